"""Everything in one process on one port: API, relay and worker over the local engine."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from backend.app.domain.sessions.memory import Memory
from backend.app.domain.storage_errors import StorageError
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.asgi import build_asgi
from backend.local.lazy_worker import load_worker
from backend.local.local_event_source import LocalEventSource
from backend.local.settings import LocalSettings
from backend.local.start_checks import check_address, hold_data_dir
from backend.local.store_start import open_store
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from backend.relay.transport.relay_http_server import RelayHttpServer, build_server
from shared.server_process import freeze_imports, run_parts

logger = logging.getLogger(__name__)

# A person who pressed Ctrl-C waits this long at most.
_DRAIN_SECONDS = 3.0


class PartDiedError(Exception):
    """A part of the process died, and the process ended with it; the message says which and why."""


@asynccontextmanager
async def run_process(
    settings: LocalSettings, engine: LocalEngine | None = None, memory: Memory | None = None
) -> AsyncIterator[RelayHttpServer]:
    """Run everything but the listening: the server is ready to serve.

    Args:
        settings: of the process.
        engine: other adapters than those of the settings; not opened yet.
        memory: likewise another memory.

    Raises:
        CannotStartError: with the reason in words.
        PartDiedError: at the end, where that is why it ended.
    """
    check_address(settings)
    engine = engine or build_local_engine(settings.data_dir)
    died: list[str] = []
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_data_dir(settings.data_dir))
        await stack.enter_async_context(open_store(engine, settings.data_dir))
        relay_settings = _relay_settings(settings)
        services = build_services(settings, engine)
        # Shared, so that the issuer is asked for its keys once.
        relay = Relay(services.authenticator, engine.access, engine.events, relay_settings)
        source = LocalEventSource(engine.bus)
        stack.callback(source.close)
        app = build_asgi(settings, services, relay, lambda: not server.should_exit)
        server = build_server(app, _DRAIN_SECONDS, relay_settings.max_packet_bytes)
        server.before_shutdown = partial(relay.drain_clients, _DRAIN_SECONDS)
        _keep_collections_short()
        worker = load_worker(settings, engine, services.sessions, memory)
        stack.push_async_callback(worker.close)
        parts = {"relay": relay.run(source), "worker": worker.run_turns(), "clean-up": worker.clean_up()}
        # A part that dies takes the process down: half a service is worse than none.
        await stack.enter_async_context(run_parts(parts, partial(_end_with, server, died)))
        yield server
        if died:
            raise PartDiedError(died[0])


def _keep_collections_short() -> None:
    freeze_imports()
    # A large answer is hundreds of thousands of fresh objects, none of them in a cycle; a full collection in their
    # midst, by default after each 70,000, would walk them all: 50 ms and more.
    gc.set_threshold(700, 10, 50)


def _relay_settings(settings: LocalSettings) -> RelaySettings:
    # Without identity the loopback guard checks the origin of sockets too, and the application around Socket.IO lets
    # pages of this machine read its answers; an empty list switches Socket.IO's own rules off.
    origins = (settings.allowed_origins or None) if settings.has_identity else ()
    return RelaySettings(fill_seconds=settings.fill_seconds, origins=origins)


def _end_with(server: RelayHttpServer, died: list[str], part: str, error: BaseException) -> None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    server.should_exit = server.has_failed = True
    if isinstance(error, StorageError):
        died.append(f"The {part} stopped: {error}")
        return
    logger.critical("The %s died", part, exc_info=error)
    died.append(f"The {part} died: {type(error).__name__}: {error}")

"""Everything in one process on one port: API, relay and worker over the local engine."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from backend.app.adapters.local_recovery import recover_turns
from backend.app.domain.ports import Memory
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring import build_services
from backend.app.wiring_agent import build_worker_services
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.asgi import build_asgi
from backend.local.local_event_source import LocalEventSource
from backend.local.settings import LocalSettings
from backend.local.start_checks import check_address, hold_data_dir
from backend.local.worker import LocalWorker, clean_up_regularly
from backend.relay.http_server import RelayServer, build_server
from backend.relay.server import Relay
from backend.relay.settings import RelaySettings

logger = logging.getLogger(__name__)

# Whoever pressed Ctrl-C waits for it.
_DRAIN_SECONDS = 3.0


@asynccontextmanager
async def run_process(
    settings: LocalSettings, engine: LocalEngine | None = None, memory: Memory | None = None
) -> AsyncIterator[RelayServer]:
    """Run everything but the listening: the server is ready to serve.

    Args:
        settings: what the process is told from outside.
        engine: other adapters than those of the settings; not opened yet.
        memory: likewise another memory.

    Raises:
        CannotStartError: with the reason in words.
    """
    check_address(settings)
    engine = engine or build_local_engine(settings.data_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_data_dir(settings.data_dir))
        await engine.database.open()
        stack.push_async_callback(engine.close)
        await recover_turns(engine.database, engine.clock)
        relay_settings = _relay_settings(settings)
        services = build_services(settings, engine)
        # Shared, so that the issuer is asked for its keys once.
        relay = Relay(services.authenticator, engine.access, engine.events, relay_settings)
        memory = memory or SQLiteMemory(MemoryFiles(settings.data_dir / "memory"))
        worker = build_worker_services(settings, engine, memory, settings.openai_api_key)
        stack.push_async_callback(worker.client.close)
        source = LocalEventSource(engine.bus)
        stack.callback(source.close)
        turns = LocalWorker(
            worker.turns, engine.queue, parallel=settings.workers, visibility_seconds=settings.lease_seconds
        )
        app = build_asgi(settings, services, relay, lambda: not server.should_exit)
        server = build_server(app, _DRAIN_SECONDS, relay_settings.max_packet_bytes)
        server.before_shutdown = partial(relay.send_all_away, _DRAIN_SECONDS)
        for name, work in {
            "relay": relay.run(source),
            "worker": turns.run(),
            "clean-up": clean_up_regularly(services.sessions, worker.erasure, worker.abandoned, engine.events),
        }.items():
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(_stop, task)
            # A part that dies takes the process down with its traceback: half a service is worse than none.
            task.add_done_callback(lambda done: _end_with(server, done))
        # What the imports made lives as long as the process: a full collection would walk it for 150 ms in mid-turn.
        gc.collect()
        gc.freeze()
        yield server


def _relay_settings(settings: LocalSettings) -> RelaySettings:
    # Without identity the loopback guard checks the origin of sockets too; an empty list switches Socket.IO's own off.
    origins = (settings.allowed_origins or None) if settings.has_identity else ()
    return RelaySettings(fill_seconds=settings.fill_seconds, origins=origins)


def _end_with(server: RelayServer, done: "asyncio.Task[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.critical("The %s died", done.get_name(), exc_info=error)
        server.should_exit = True


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})

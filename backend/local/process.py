"""Everything in one process on one port: API, relay and worker over the local engine."""

import asyncio
import fcntl
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import socketio
import uvicorn
from starlette.middleware.cors import CORSMiddleware

from backend.app.adapters.local_recovery import recover_turns
from backend.app.api.application import build_application
from backend.app.settings import AppSettings
from backend.app.wiring import LocalEngine, build_local_engine, build_services
from backend.app.wiring_agent import build_worker_services
from backend.local.local_event_source import LocalEventSource
from backend.local.loopback_guard import LOOPBACK_NAMES, LoopbackGuard
from backend.local.worker import LocalWorker, clean_up_regularly
from backend.relay.server import Relay
from backend.relay.settings import RelaySettings
from shared.identity import LocalAuthenticator

logger = logging.getLogger(__name__)

_LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


class CannotStartError(Exception):
    """The process cannot start; the message says why and what to do."""


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Keep other processes from the same data folder meanwhile. Raises CannotStartError where one has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"Another Vibewire uses {data_dir.resolve()}: stop it, or set VIBEWIRE_DATA_DIR."
            ) from None
        yield


def listen(settings: AppSettings) -> socket.socket:
    """The socket that the settings name, bound and listening. Raises CannotStartError where the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        raise CannotStartError(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}): set VIBEWIRE_PORT."
        ) from None


def build_asgi(settings: AppSettings, engine: LocalEngine, relay: Relay) -> LoopbackGuard:
    """The API with the relay at /socket.io, closed to everything but this machine."""
    if settings.host not in LOOPBACK_NAMES:
        raise CannotStartError(
            f"VIBEWIRE_HOST is {settings.host}: without identity settings only a loopback address may be listened on."
        )
    api = build_application(build_services(settings, engine))
    api.add_middleware(
        CORSMiddleware,
        allow_origin_regex=_LOOPBACK_ORIGIN,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Location", "Retry-After"],
    )
    return LoopbackGuard(socketio.ASGIApp(relay.sio, other_asgi_app=api))


@asynccontextmanager
async def run_process(settings: AppSettings) -> AsyncIterator[uvicorn.Server]:
    """Run everything but the listening: the server is ready to serve. Raises CannotStartError."""
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_data_dir(settings.data_dir))
        engine = build_local_engine(settings.data_dir)
        await engine.database.open()
        stack.push_async_callback(engine.database.close)
        await recover_turns(engine.database, engine.clock)
        # The guard checks the origin of sockets too, so Socket.IO's own check is not asked again.
        relay = Relay(
            LocalAuthenticator(),
            engine.projects,
            engine.events,
            RelaySettings(fill_seconds=settings.fill_seconds, origins=()),
        )
        worker = build_worker_services(settings, engine)
        stack.push_async_callback(worker.client.close)
        source = LocalEventSource(engine.bus)
        stack.callback(source.close)
        turns = LocalWorker(
            worker.turns, engine.queue, parallel=settings.workers, visibility_seconds=settings.lease_seconds
        )
        server = uvicorn.Server(_uvicorn_config(build_asgi(settings, engine, relay)))
        for name, work in {
            "relay": relay.run(source),
            "worker": turns.run(),
            "clean-up": clean_up_regularly(worker.erasure, engine.events),
        }.items():
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(_stop, task)
            # A part that dies takes the process down with its traceback: half a service is worse than none.
            task.add_done_callback(lambda done: _end_with(server, done))
        yield server


def _uvicorn_config(app: LoopbackGuard) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=1_000_000,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )


def _end_with(server: uvicorn.Server, done: "asyncio.Task[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.critical("The %s died", done.get_name(), exc_info=error)
        server.should_exit = True


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})

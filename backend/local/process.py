"""Everything in one process on one port: API, relay and worker over the local engine."""

import asyncio
import fcntl
import gc
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import uvicorn
from starlette.types import ASGIApp

from backend.app.adapters.local_recovery import recover_turns
from backend.app.domain.ports import Memory
from backend.app.settings import AppSettings
from backend.app.wiring import LocalEngine, build_authenticator, build_local_engine, build_services
from backend.app.wiring_agent import build_worker_services
from backend.local.asgi import build_asgi
from backend.local.local_event_source import LocalEventSource
from backend.local.loopback_guard import LOOPBACK_NAMES
from backend.local.worker import LocalWorker, clean_up_regularly
from backend.relay.server import Relay
from backend.relay.settings import RelaySettings

logger = logging.getLogger(__name__)

# Longer than the pools of most clients: a connection that is closed just when it is used again looks like a fault.
_KEEP_ALIVE_SECONDS = 75


class LocalServer(uvicorn.Server):
    """Stops on SIGINT and SIGTERM, and returns. uvicorn's own raises the signal again, and nothing would be closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear the signals while it serves."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread hears signals
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


class CannotStartError(Exception):
    """The process cannot start; the message says why and what to do."""


def _open_lock(data_dir: Path) -> IO[str]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return (data_dir / "lock").open("w")
    except OSError as error:
        raise CannotStartError(
            f"The data folder {data_dir} cannot be used ({error.strerror}): set VIBEWIRE_DATA_DIR."
        ) from None


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Keep other processes from the same data folder meanwhile. Raises CannotStartError where one has it."""
    with _open_lock(data_dir) as lock:
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


@asynccontextmanager
async def run_process(
    settings: AppSettings, engine: LocalEngine | None = None, memory: Memory | None = None
) -> AsyncIterator[uvicorn.Server]:
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
        stack.push_async_callback(engine.database.close)
        await recover_turns(engine.database, engine.clock)
        relay = Relay(build_authenticator(settings), engine.projects, engine.events, _relay_settings(settings))
        services = build_services(settings, engine)
        worker = build_worker_services(settings, engine, memory)
        stack.push_async_callback(worker.client.close)
        source = LocalEventSource(engine.bus)
        stack.callback(source.close)
        turns = LocalWorker(
            worker.turns, engine.queue, parallel=settings.workers, visibility_seconds=settings.lease_seconds
        )
        server = LocalServer(_uvicorn_config(build_asgi(settings, services, relay)))
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


def check_address(settings: AppSettings) -> None:
    """Refuse to be reached from elsewhere while everybody is trusted. Raises CannotStartError."""
    if not settings.has_identity and settings.host not in LOOPBACK_NAMES:
        raise CannotStartError(
            f"VIBEWIRE_HOST is {settings.host}: without identity settings only a loopback address may be listened on."
        )


def _relay_settings(settings: AppSettings) -> RelaySettings:
    # Without identity the loopback guard checks the origin of sockets too; an empty list switches Socket.IO's own off.
    origins = (settings.allowed_origins or None) if settings.has_identity else ()
    return RelaySettings(fill_seconds=settings.fill_seconds, origins=origins)


def _uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=1_000_000,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


def _end_with(server: uvicorn.Server, done: "asyncio.Task[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.critical("The %s died", done.get_name(), exc_info=error)
        server.should_exit = True


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})

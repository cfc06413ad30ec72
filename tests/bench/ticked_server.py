"""Vibewire with a ticker beside it on its event loop, which measures for how long the loop was blocked.

SIGUSR1 has it print the longest delay of a tick since the last time, in milliseconds. Time that other
processes had the core is left out; computing, waiting for a disk or for another thread of this process is not.
"""

import asyncio
import os
import signal
import time
from pathlib import Path

import uvloop

from backend.local.process import run_process
from backend.local.settings import LocalSettings
from backend.local.start_checks import open_port
from shared.environment import read_settings

TICK_SECONDS = 0.005
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


class Ticker:
    """Ticks, and keeps the longest delay."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            began, others = time.perf_counter(), _seconds_of_others()
            await asyncio.sleep(TICK_SECONDS)
            delay = time.perf_counter() - began - TICK_SECONDS
            self._longest = max(self._longest, delay - max(0.0, _seconds_of_others() - others))

    def report(self) -> None:
        """Print the longest delay, and reset it."""
        print(self._longest * 1000, flush=True)
        self._longest = 0.0


def _seconds_of_others() -> float:
    """For how long this thread has been ready to run while another process had the core."""
    waited = int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    own_threads = time.process_time() - time.thread_time()
    return waited - own_threads


async def run(settings: LocalSettings) -> None:
    """Serve until a signal asks to stop."""
    ticker = Ticker()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ticker.report)
    async with run_process(settings.model_copy(update={"openai_api_key": "none"})) as server:
        listener = open_port(settings)
        print(f"http://{settings.host}:{listener.getsockname()[1]}", flush=True)
        ticking = asyncio.create_task(ticker.run())
        await server.serve(sockets=[listener])
        ticking.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(read_settings(LocalSettings, os.environ)))

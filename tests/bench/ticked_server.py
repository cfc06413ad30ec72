"""Vibewire with a ticker beside it on its event loop, which tells for how long the loop was held.

SIGUSR1 has it print the longest delay of a tick since the last time, as a line of JSON: `held_ms` as the clock has it,
`cpu_ms` how much of it this process was computing (the rest the machine gave to others).
"""

import asyncio
import json
import os
import signal
import time

import uvloop

from backend.app.settings import AppSettings, read_settings
from backend.local.process import listen, run_process

TICK_SECONDS = 0.005


class Ticker:
    """Ticks, and keeps the longest delay."""

    def __init__(self) -> None:
        self._longest = (0.0, 0.0)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            began, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK_SECONDS)
            held = time.perf_counter() - began - TICK_SECONDS
            self._longest = max(self._longest, (held, min(held, time.process_time() - used)))

    def tell(self) -> None:
        """Print the longest delay, and begin anew."""
        held, used = self._longest
        self._longest = (0.0, 0.0)
        print(json.dumps({"held_ms": held * 1000, "cpu_ms": used * 1000}), flush=True)


async def run(settings: AppSettings) -> None:
    """Serve until a signal asks to stop."""
    ticker = Ticker()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ticker.tell)
    async with run_process(settings.model_copy(update={"openai_api_key": "none"})) as server:
        listener = listen(settings)
        print(f"http://{settings.host}:{listener.getsockname()[1]}", flush=True)
        ticking = asyncio.create_task(ticker.run())
        await server.serve(sockets=[listener])
        ticking.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(read_settings(os.environ)))

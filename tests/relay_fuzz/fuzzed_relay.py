"""The relay's process, from outside: it is told what to say and asked what it holds."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.server_process import ROOT

State = dict[str, int]
_ANSWER_SECONDS = 60.0
# Silent sockets are given up after 20 s at most, and some only then find out that nobody listens.
_SETTLE_SECONDS = 90.0
_LOOK_SECONDS = 0.2


@dataclass
class FuzzedRelay:
    """A relay under `url`; its log is in a file."""

    url: str
    log: Path
    process: asyncio.subprocess.Process
    said: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish(self, count: int) -> int:
        """Have so many events happen in each session; the number of the last."""
        self.said += count
        await self._ask(f"publish {count}")
        return self.said

    async def state(self) -> State:
        """What it holds now."""
        return await self._ask("state")

    async def until(self, condition: Callable[[State], bool]) -> State:
        """Wait until what it holds is so; what it holds then."""
        state = await self.state()
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while not condition(state):
                    await asyncio.sleep(_LOOK_SECONDS)
                    state = await self.state()
        except TimeoutError:
            raise AssertionError(f"It did not come about in {_SETTLE_SECONDS} s. The last state: {state}") from None
        return state

    async def _ask(self, line: str) -> State:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self._lock, asyncio.timeout(_ANSWER_SECONDS):
            self.process.stdin.write(f"{line}\n".encode())
            answer: State = json.loads(await self.process.stdout.readline())
            return answer


@asynccontextmanager
async def fuzzed_relay(log: Path) -> AsyncIterator[FuzzedRelay]:
    """A relay of its own, until the block ends."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.relay_fuzz.relay_process",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                url = (await process.stdout.readline()).decode().strip()
            assert url, f"The relay did not start; see {log}"
            yield FuzzedRelay(url, log, process)
        finally:
            process.stdin.close()
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise

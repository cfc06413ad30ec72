"""Controls the relay's process: publishes events, and reads how many resources it holds."""

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
# Silent connections are closed after at most 20 s, and some of them only then end their tasks.
_SETTLE_SECONDS = 90.0
_LOOK_SECONDS = 0.2


@dataclass
class FuzzedRelay:
    """A relay under `url`; its log is in a file."""

    url: str
    log: Path
    process: asyncio.subprocess.Process
    published: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish(self, count: int) -> int:
        """Publish events in each session. Returns the number of the last one."""
        self.published += count
        await self._ask(f"publish {count}")
        return self.published

    async def state(self) -> State:
        """The resources that it holds."""
        return await self._ask("state")

    async def until(self, condition: Callable[[State], bool]) -> State:
        """Wait until the condition holds. Returns the state."""
        state = await self.state()
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while not condition(state):
                    await asyncio.sleep(_LOOK_SECONDS)
                    state = await self.state()
        except TimeoutError:
            raise AssertionError(f"Not settled within {_SETTLE_SECONDS} s. The last state: {state}") from None
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
    """A new relay, until the block ends."""
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

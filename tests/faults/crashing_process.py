"""A process that answers one message and is killed at a step of it: kill -9, from within, to hit exactly there.

It is the local engine's process; only what its turn calls is counted on the way. It is forked off a server that
has everything imported, so that a test can afford one for each step.
"""

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import httpx
import uvloop

from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.process import run_process
from backend.local.settings import LocalSettings

T = TypeVar("T")
Side = Literal["before", "during", "after"]

LAST_STEP = "queue.acknowledge"
_WAIT_SECONDS = 60.0
# What is not here only reads, or comes at any time: heartbeats, pieces of text, looking for a notification.
_COUNTED = {
    "messages": {"queue_message"},
    "turns": {
        "find_open_message",
        "claim_turn",
        "release_lease",
        "record_response",
        "append_event",
        "store_items",
        "complete_turn",
        "end_turn",
        "list_completed_turns",
    },
    "memory": {"read_memory", "append_turns", "quarantine"},
    "bus": {"publish"},
    "queue": {"enqueue", "acknowledge", "requeue"},
}
_LIVE_TEXT = "text_delta"
# With what a turn imports only when it needs it.
_PRELOADED = [__name__, "anyio._backends._asyncio", "h11", "httpcore", "openai.resources.responses", "truststore"]


@dataclass(frozen=True)
class Crash:
    """Where the process is killed: at the n-th time of a step, before it, while it runs, or after it."""

    step: str
    nth: int = 1
    side: Side = "before"


@dataclass(frozen=True)
class SentMessage:
    """A message as its sender names it."""

    session_id: str
    message_id: str
    prompt: str


class Steps:
    """The steps that were taken, and the crash at one of them."""

    def __init__(self, crash: Crash | None) -> None:
        self.taken: list[str] = []
        self.ended = asyncio.Event()
        self._crash = crash

    async def take(self, step: str, call: Callable[[], Awaitable[T]]) -> T:
        self.taken.append(step)
        side = self._side(step)
        if side == "before":
            kill_myself()
        if side == "during":
            # The call hands its work to a thread first; the loop's next round kills both in the middle of it.
            asyncio.get_running_loop().call_soon(kill_myself)
        result = await call()
        if side == "after":
            kill_myself()
        if step == LAST_STEP and self._crash is None:
            self.ended.set()
        return result

    def _side(self, step: str) -> Side | None:
        crash = self._crash
        due = crash is not None and crash.step == step and crash.nth == self.taken.count(step)
        return crash.side if crash is not None and due else None


class _Counted:
    """Stands before an adapter and has its steps counted."""

    def __init__(self, name: str, adapter: object, steps: Steps) -> None:
        self._name = name
        self._adapter = adapter
        self._steps = steps

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._adapter, method)
        if method not in _COUNTED[self._name]:
            return call

        async def counted(*arguments: Any, **named: Any) -> Any:
            kinds = [kind for argument in arguments if isinstance(kind := getattr(argument, "type", None), str)]
            if _LIVE_TEXT in kinds:
                return await call(*arguments, **named)
            step = " ".join([f"{self._name}.{method}", *kinds])
            return await self._steps.take(step, lambda: call(*arguments, **named))

        return counted


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_until_crash(settings: LocalSettings, message: SentMessage, crash: Crash | None = None) -> list[str]:
    """Send the message in a process of its own: the steps that were taken where no crash was asked for."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    steps_file = settings.data_dir / "steps.json"
    process = context.Process(target=_main, args=(settings, message, crash, steps_file))
    process.start()
    process.join(_WAIT_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"The process came to no end; it was to be killed at {crash}")
    code = process.exitcode
    process.close()
    assert code == (0 if crash is None else -signal.SIGKILL)
    return [] if crash is not None else list(json.loads(steps_file.read_text()))


def _main(settings: LocalSettings, message: SentMessage, crash: Crash | None, steps_file: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        steps_file.write_text(json.dumps(runner.run(_answer(settings, message, crash))))


async def _answer(settings: LocalSettings, message: SentMessage, crash: Crash | None) -> list[str]:
    steps = Steps(crash)
    memory = _counted("memory", SQLiteMemory(MemoryFiles(settings.data_dir / "memory")), steps)
    async with run_process(settings, _counted_engine(settings, steps), memory) as server:
        transport = httpx.ASGITransport(cast(Any, server.config.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            sent = await http.post(
                f"/sessions/{message.session_id}/messages",
                json={"message_id": message.message_id, "prompt": message.prompt},
                headers={"Prefer": "respond-async"},
            )
            assert sent.is_success, sent.text
        await steps.ended.wait()
    return steps.taken


def _counted_engine(settings: LocalSettings, steps: Steps) -> LocalEngine:
    engine = build_local_engine(settings.data_dir)
    return replace(
        engine,
        messages=_counted("messages", engine.messages, steps),
        turns=_counted("turns", engine.turns, steps),
        bus=_counted("bus", engine.bus, steps),
        queue=_counted("queue", engine.queue, steps),
    )


def _counted(name: str, adapter: T, steps: Steps) -> T:
    return cast(T, _Counted(name, adapter, steps))

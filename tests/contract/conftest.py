"""Every engine in turn, a second look at its data (after a restart, from another process); and a memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backend.app.domain.engine import Engine
from backend.app.domain.sessions.memory import Memory, MemoryRef
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring_aws import build_aws_engine
from backend.app.wiring_local import build_local_engine
from tests.contract import queue_drivers
from tests.contract.engines import ListeningAwsBus, ReceivingAwsQueue, TestedEngine
from tests.contract.memories import ref_of
from tests.contract.raw_stores import AwsRawStore, LocalRawStore, RawStore
from tests.manual_time import ManualClock, SequentialIds
from tests.moto_aws import MotoAws, moto_in_process
from tests.moto_server import OTHER_ENDPOINT

Reopen = Callable[[], Awaitable[TestedEngine]]

# Where moto is laxer than AWS; a test that passes there one day says so by failing.
MOTO_DIFFERS = {
    f"test_a_stale_handle_is_ignored[aws-{answer}]": "in moto a handle never expires"
    for answer in ("acknowledge", "extend", "extend_by_nothing", "requeue")
}


class Process:
    """What a process has of an engine: opens it any number of times on the same data."""

    def __init__(self, clock: ManualClock, ids: SequentialIds) -> None:
        self._clock = clock
        self._ids = ids
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def open(self) -> TestedEngine:
        raise NotImplementedError

    @property
    def raw(self) -> RawStore:
        """The store itself, past the ports."""
        raise NotImplementedError

    async def close(self) -> None:
        """End all that was opened."""
        while self._closing:
            await self._closing.pop()()

    def _tested(self, engine: Engine, close: Callable[[], Awaitable[None]], **more: Any) -> TestedEngine:
        self._closing.append(close)
        ports = {field.name: getattr(engine, field.name) for field in fields(Engine)}
        return TestedEngine(**{**ports, **more})


class LocalProcess(Process):
    """On one SQLite file."""

    def __init__(self, folder: Path, clock: ManualClock, ids: SequentialIds) -> None:
        super().__init__(clock, ids)
        self._folder = folder

    async def open(self) -> TestedEngine:
        engine = build_local_engine(self._folder, self._clock, self._ids)
        await engine.database.open()
        return self._tested(engine, engine.close)

    @property
    def raw(self) -> RawStore:
        """See Process."""
        return LocalRawStore(self._folder)


class AwsProcess(Process):
    """On moto."""

    def __init__(self, moto: MotoAws, clock: ManualClock, ids: SequentialIds) -> None:
        super().__init__(clock, ids)
        self._moto = moto
        self._published: set[str] = set()

    async def open(self) -> TestedEngine:
        services, settings = self._moto.services, self._moto.settings
        engine = build_aws_engine(settings, services, self._clock, self._ids)
        bus = ListeningAwsBus(services.sns, services.sqs, settings.topic_arn, self._published)
        await bus.subscribe()
        queue = ReceivingAwsQueue(services.sqs, settings.turn_queue_url, self._ids)
        return self._tested(engine, bus.close, bus=bus, queue=queue, settle=bus.settle)

    @property
    def raw(self) -> RawStore:
        """See Process."""
        return AwsRawStore(self._moto)


@pytest.fixture(params=["local", "aws"])
def process(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: ManualClock,
    ids: SequentialIds,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Process]:
    """Every engine in turn, empty, on a clock and ids of the test's own."""
    if request.param == "local":
        yield LocalProcess(tmp_path, clock, ids)
        return
    if request.node.name in MOTO_DIFFERS and not OTHER_ENDPOINT:
        request.applymarker(pytest.mark.xfail(strict=True, reason=MOTO_DIFFERS[request.node.name]))
        monkeypatch.setattr(queue_drivers, "DEADLINE", 1.0)  # what is waited for does not come
    if OTHER_ENDPOINT and request.module.__name__.startswith("tests.contract.test_turn_queue"):
        monkeypatch.setattr(clock, "advance", lambda _: pytest.skip("the clock of another emulator stays where it is"))
    with moto_in_process() as moto:
        # moto's queues hide messages by the time of day: here it is the test's, and never stands quite still.
        ticks = count()

        def now(*_: object) -> float:
            return clock.now().timestamp() + next(ticks) / 1_000_000

        monkeypatch.setattr("moto.sqs.models.unix_time", now)
        monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda *_: now() * 1000)
        yield AwsProcess(moto, clock, ids)


@pytest.fixture
async def engine(process: Process) -> AsyncIterator[TestedEngine]:
    """The engine as the process under test has it."""
    yield await process.open()
    await process.close()


@pytest.fixture
def raw(engine: TestedEngine, process: Process) -> RawStore:
    """The store of `engine`, past the ports."""
    return process.raw


@pytest.fixture
async def reopen(engine: TestedEngine, process: Process) -> Reopen:
    """Stops the engine and starts a new one on the same data."""

    async def again() -> TestedEngine:
        await process.close()
        return await process.open()

    return again


@pytest.fixture
async def other_engine(engine: TestedEngine, process: Process) -> TestedEngine:
    """The engine as another process has it, on the same data at the same time."""
    return await process.open()


@pytest.fixture
def files(tmp_path: Path) -> MemoryFiles:
    return MemoryFiles(tmp_path / "memories")


@pytest.fixture
def memory(files: MemoryFiles) -> Memory:
    """The Memory that all engines share; other hosts on the same files are further instances of it."""
    return SQLiteMemory(files)


@pytest.fixture
def ref(ids: SequentialIds) -> MemoryRef:
    return ref_of(ids)

"""What all WaitSlots owe."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from backend.app.adapters.aws.wait_slots import AwsWaitSlots
from backend.app.wiring_aws import build_aws_engine
from shared.aws_table import AwsTable
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock, SequentialIds
from tests.moto_aws import MotoAws, moto_in_process

_SECONDS = 20.0


class _Holders:
    """Callers who hold what they were given until all have asked."""

    def __init__(self, engine: TestedEngine, slots: int, count: int) -> None:
        self._engine, self._slots, self._count = engine, slots, count
        self._all_asked = asyncio.Event()
        self.given: list[bool] = []

    async def ask(self) -> None:
        async with self._engine.wait_slots.hold(self._slots, _SECONDS) as given:
            self.given.append(given)
            if len(self.given) == self._count:
                self._all_asked.set()
            await self._all_asked.wait()


async def test_where_none_is_held_one_is_given(engine: TestedEngine) -> None:
    for slots in (1, 2, 50):
        async with engine.wait_slots.hold(slots, _SECONDS) as given:
            assert given


@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_no_more_are_given_at_a_time_than_there_are(engine: TestedEngine, slots: int) -> None:
    holders = _Holders(engine, slots, 6 * slots)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for _ in range(6 * slots):
            group.create_task(holders.ask())
    assert 1 <= holders.given.count(True) <= slots


@pytest.mark.parametrize("slots", [1, 2])
async def test_a_few_are_all_given(engine: TestedEngine, slots: int) -> None:
    async with AsyncExitStack() as held:
        for _ in range(slots):
            assert await held.enter_async_context(engine.wait_slots.hold(slots, _SECONDS))
        for _ in range(5):
            async with engine.wait_slots.hold(slots, _SECONDS) as given:
                assert not given


async def test_one_that_was_given_back_is_given_again_however_its_holder_ended(engine: TestedEngine) -> None:
    for _ in range(3):
        async with engine.wait_slots.hold(1, _SECONDS) as given:
            assert given
    with pytest.raises(RuntimeError):
        async with engine.wait_slots.hold(1, _SECONDS):
            raise RuntimeError
    holds = asyncio.Event()

    async def hold_for_ever() -> None:
        async with engine.wait_slots.hold(1, _SECONDS) as given:
            assert given
            holds.set()
            await asyncio.Event().wait()

    cancelled = asyncio.create_task(hold_for_ever())
    async with asyncio.timeout(20):
        await holds.wait()
    cancelled.cancel()
    await asyncio.wait([cancelled])
    async with engine.wait_slots.hold(1, _SECONDS) as given:
        assert given


async def test_who_was_given_none_gives_none_back(engine: TestedEngine) -> None:
    async with engine.wait_slots.hold(1, _SECONDS):
        for _ in range(3):
            async with engine.wait_slots.hold(1, _SECONDS) as given:
                assert not given


async def test_the_slot_of_a_process_that_died_is_free_after_its_time(clock: ManualClock, ids: SequentialIds) -> None:
    with moto_in_process() as moto:
        died, other = (build_aws_engine(moto.settings, moto.services, clock, ids).wait_slots for _ in range(2))
        holding = died.hold(1, _SECONDS)
        assert await holding.__aenter__()
        clock.advance(seconds=_SECONDS)
        async with other.hold(1, _SECONDS) as given:
            assert not given
        clock.advance(seconds=10)
        async with other.hold(1, _SECONDS) as given:
            assert given
            # Back from the dead: what it held is another one's now.
            await holding.__aexit__(None, None, None)
            async with died.hold(1, _SECONDS) as given_again:
                assert not given_again


class _BrokenTable(AwsTable):
    def __init__(self, error: Exception) -> None:
        self.error = error
        self.writes = 0

    async def write(self, **_: object) -> None:
        self.writes += 1
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "UpdateItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb.example"),
        TimeoutError(),
    ],
)
async def test_where_the_table_cannot_be_written_to_none_is_given_and_nothing_is_raised(
    error: Exception, clock: ManualClock, ids: SequentialIds, caplog: pytest.LogCaptureFixture
) -> None:
    table = _BrokenTable(error)
    with caplog.at_level(logging.WARNING):
        async with AwsWaitSlots(table, clock, ids).hold(10, _SECONDS) as given:
            assert not given
    assert table.writes == 1
    assert "No wait slot could be acquired" in caplog.text


async def test_a_call_costs_two_writes_at_most_however_many_slots_are_held(
    clock: ManualClock, ids: SequentialIds, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_in_process() as moto:
        writes = _count_writes(moto, monkeypatch)
        slots = build_aws_engine(moto.settings, moto.services, clock, ids).wait_slots
        async with AsyncExitStack() as held:
            for _ in range(200):
                await held.enter_async_context(slots.hold(20, _SECONDS))
            writes.clear()
            async with slots.hold(20, _SECONDS):
                pass
            # Two slots are tried; one that was free is given back.
            assert 1 <= len(writes) <= 3


def _count_writes(moto: MotoAws, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    call = moto.services.dynamodb.call

    async def counted(operation: str, **parameters: object) -> dict[str, object]:
        calls.append(operation)
        return await call(operation, **parameters)

    monkeypatch.setattr(moto.services.dynamodb, "call", counted)
    return calls

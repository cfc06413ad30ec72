"""How the event log of AWS is written: how often it is asked, and what becomes of an event that finds no place."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from backend.app.adapters.aws import event_writer as aws_event_writer
from backend.app.adapters.aws.event_writer import AwsEventWriter
from backend.app.adapters.aws.turn_store import AwsTurnStore
from backend.app.domain.engine import Engine
from backend.app.domain.errors import EventLogBusyError
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done
from backend.app.wiring_aws import build_aws_engine
from backend.app.wiring_local import LocalEngine
from shared.aws_item import Change, Write, update
from shared.aws_table import AwsTable
from shared.table_keys import SEQ_PREFIX, seq_key
from tests.contract.builders import cancel, claimed_turn, current_session, everything_of, queued_message, stored_session
from tests.contract.dynamodb_calls import dynamodb_calls
from tests.contract.event_builders import iteration_event, started_event
from tests.faults.workers import open_race_fixture
from tests.manual_time import ManualClock, SequentialIds
from tests.moto_aws import MotoAws, moto_in_process


@pytest.fixture
def moto() -> Iterator[MotoAws]:
    with moto_in_process() as moto:
        yield moto


@pytest.fixture
def engine(moto: MotoAws, clock: ManualClock, ids: SequentialIds) -> Engine:
    return build_aws_engine(moto.settings, moto.services, clock, ids)


class CrowdedTable(AwsTable):
    """Another writer appends to the log before each of our transactions."""

    others = 0
    crowd = 1_000_000

    async def write(self, **writes: Write | list[Write]) -> None:  # type: ignore[override]
        if "log" in writes and self.others < self.crowd:
            self.others += 1
            counted = next(write for write in writes["log"] if write.kind == "Update")  # type: ignore[union-attr]
            await super().write(other=Write("Update", {"Key": counted.parameters["Key"], **_next_number}))
        await super().write(**writes)


_next_number = {
    name: value
    for name, value in update(seq_key("p", "s"), Change(adds={"last_seq": 1})).parameters.items()
    if name != "Key"
}


def crowded(moto: MotoAws) -> CrowdedTable:
    return CrowdedTable(moto.services.dynamodb, moto.settings.table_name)


async def test_a_log_that_stays_busy_raises_its_own_error_and_changes_nothing(engine: Engine, moto: MotoAws) -> None:
    turn = await claimed_turn(engine, await stored_session(engine))
    before = await everything_of(engine, turn)
    table = crowded(moto)
    turns = AwsTurnStore(table, AwsEventWriter(table, patience_seconds=0))
    with pytest.raises(EventLogBusyError) as caught:
        await turns.append_event(turn, iteration_event(engine, turn))
    assert not isinstance(caught.value, TimeoutError)
    assert (caught.value.code, caught.value.retryable, caught.value.session_id) == (
        "event_log_busy",
        True,
        turn.session_id,
    )
    assert table.others == 1
    # The numbers went on without us; nothing else did.
    assert (await everything_of(engine, turn))[1:3] == before[1:3]


async def test_an_event_gets_through_as_soon_as_the_others_are_done(
    engine: Engine, moto: MotoAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_pause(attempt: int) -> None:
        return None

    monkeypatch.setattr(aws_event_writer, "pause", no_pause)
    turn = await claimed_turn(engine)
    table = crowded(moto)
    table.crowd = 60
    turns = AwsTurnStore(table, AwsEventWriter(table, patience_seconds=1000))
    logged = await turns.append_event(turn, iteration_event(engine, turn))
    assert (logged.seq, table.others) == (61, 60)


@pytest.fixture
def other_engine(moto: MotoAws, clock: ManualClock, ids: SequentialIds) -> Engine:
    """The engine of another process, which remembers nothing of what this one does."""
    return build_aws_engine(moto.settings, moto.services, clock, ids)


async def test_the_first_event_of_a_turn_is_one_transaction_in_a_process_that_knows_nothing_of_the_session(
    engine: Engine, other_engine: Engine, moto: MotoAws
) -> None:
    turn = await claimed_turn(engine)
    session = await current_session(other_engine, turn)
    with dynamodb_calls(moto) as calls:
        await other_engine.turns.append_event(turn, started_event(engine, turn), session.last_seq)
    assert [call.operation for call in calls] == ["TransactWriteItems"]


async def test_the_first_event_of_a_turn_is_one_transaction_despite_concurrent_writers(
    engine: Engine, other_engine: Engine, moto: MotoAws
) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.append_event(turn, started_event(engine, turn))
    for _ in range(3):
        await other_engine.turns.append_event(turn, iteration_event(engine, turn))
    session = await current_session(engine, turn)
    with dynamodb_calls(moto) as calls:
        logged = await engine.turns.append_event(turn, started_event(engine, turn), session.last_seq)
        following = await engine.turns.append_event(turn, iteration_event(engine, turn))
    assert [call.operation for call in calls] == ["TransactWriteItems"] * 2
    assert (logged.seq, following.seq) == (5, 6)


async def test_a_hint_that_is_older_than_what_the_process_did_itself_is_not_heeded(
    engine: Engine, moto: MotoAws
) -> None:
    turn = await claimed_turn(engine)
    session = await current_session(engine, turn)
    await engine.turns.append_event(turn, started_event(engine, turn))
    with dynamodb_calls(moto) as calls:
        logged = await engine.turns.append_event(turn, iteration_event(engine, turn), session.last_seq)
    assert [call.operation for call in calls] == ["TransactWriteItems"]
    assert logged.seq == 2


async def test_a_turn_reads_its_sessions_counter_once_despite_other_writers(
    engine: Engine, other_engine: Engine, moto: MotoAws, tmp_path: Path
) -> None:
    shop = await open_race_fixture(cast(LocalEngine, engine), tmp_path, *(Draft(f"Answer {n}", None) for n in range(3)))
    for number in range(3):
        message = await shop.queue(f"Question {number}")
        with dynamodb_calls(moto) as calls:
            assert await shop.answer(message) == Done()
        looks = [call for call in calls if call.operation == "GetItem" and call.sort_key.startswith(SEQ_PREFIX)]
        assert len(looks) == 1
        # Claim apart: started, response with its usage, iteration, items, completed.
        assert [call.operation for call in calls].count("TransactWriteItems") == 5
        await cancel(other_engine, await shop.queue("Never mind"))


async def test_a_cancel_is_one_transaction_although_a_worker_wrote_to_the_log_since(
    engine: Engine, other_engine: Engine, moto: MotoAws
) -> None:
    session = await stored_session(engine)
    await cancel(other_engine, await queued_message(engine, session))
    turn, second = await claimed_turn(engine, session), await queued_message(engine, session)
    await engine.turns.append_event(turn, started_event(engine, turn))
    with dynamodb_calls(moto) as calls:
        await cancel(other_engine, second)
    assert [call.operation for call in calls].count("TransactWriteItems") == 1

"""What every TurnStore owes to the attempt that owns a turn: no other writes anything.

A deleted session fences all of its turns likewise: test_session_tombstones.
"""

from dataclasses import replace

import pytest

from backend.app.domain.errors import TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnRef
from tests.contract.builders import (
    LEASE,
    answer_of,
    cancel,
    claimed_again,
    claimed_turn,
    complete,
    current_message,
    everything_of,
    fail,
    next_version,
    record_response,
    stored_project,
    stored_session,
)
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import answer_event, iteration_event
from tests.contract.turn_writes import COMPLETIONS, OTHER_WRITES, WRITES
from tests.manual_time import ManualClock


async def _expect_fence(engine: TestedEngine, turn: TurnRef, write: str) -> None:
    before = await everything_of(engine, turn)
    with pytest.raises(TurnFencedError):
        await WRITES[write](engine, turn)
    assert await everything_of(engine, turn) == before


@pytest.mark.parametrize("write", WRITES)
async def test_an_older_attempt_can_write_nothing(engine: TestedEngine, write: str) -> None:
    old = await claimed_turn(engine)
    await record_response(engine, old)
    await claimed_again(engine, old)
    await _expect_fence(engine, old, write)


@pytest.mark.parametrize("write", WRITES)
async def test_an_attempt_that_was_never_begun_can_write_nothing(engine: TestedEngine, write: str) -> None:
    turn = await claimed_turn(engine)
    await _expect_fence(engine, replace(turn, attempt=2), write)


@pytest.mark.parametrize("write", WRITES)
async def test_an_older_attempt_can_write_nothing_once_a_newer_one_completed(engine: TestedEngine, write: str) -> None:
    old = await claimed_turn(engine)
    await complete(engine, await claimed_again(engine, old))
    await _expect_fence(engine, old, write)


@pytest.mark.parametrize("write", OTHER_WRITES)
async def test_a_completed_turn_takes_no_more_writes(engine: TestedEngine, write: str) -> None:
    turn = await claimed_turn(engine)
    await complete(engine, turn)
    await _expect_fence(engine, turn, write)


@pytest.mark.parametrize("write", WRITES)
async def test_a_failed_turn_takes_no_more_writes(engine: TestedEngine, write: str) -> None:
    turn = await claimed_turn(engine)
    await fail(engine, turn)
    await _expect_fence(engine, turn, write)


@pytest.mark.parametrize("write", WRITES)
async def test_a_turn_cancelled_after_its_lease_takes_no_more_writes(
    engine: TestedEngine, clock: ManualClock, write: str
) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds())
    await cancel(engine, turn)
    await _expect_fence(engine, turn, write)


@pytest.mark.parametrize("write", WRITES)
async def test_a_turn_of_no_message_takes_no_writes(engine: TestedEngine, write: str) -> None:
    turn = await claimed_turn(engine)
    await _expect_fence(engine, replace(turn, message_id=engine.ids.new_id()), write)


async def test_the_items_of_an_older_attempt_do_not_replace_those_of_the_newer(engine: TestedEngine) -> None:
    old = await claimed_turn(engine)
    await engine.turns.store_items(old, [{"content": "old"}])
    new = await claimed_again(engine, old)
    await engine.turns.store_items(new, [{"content": "new"}])
    with pytest.raises(TurnFencedError):
        await engine.turns.store_items(old, [{"content": "late"}])
    await COMPLETIONS["complete_turn"](engine, new)
    (completed,) = await engine.turns.list_completed_turns(new.session_id, 0, 10)
    assert completed.items == ({"content": "new"},)


async def test_an_expired_lease_fences_no_write_before_another_attempt_starts(
    engine: TestedEngine, clock: ManualClock
) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds() * 2)
    await record_response(engine, turn)
    assert (await engine.turns.append_event(turn, iteration_event(engine, turn))).seq == 2
    await complete(engine, turn)
    assert (await current_message(engine, turn)).status is MessageStatus.COMPLETED


async def test_a_released_attempt_still_writes_before_another_begins(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.release_lease(turn, engine.clock.now())
    await engine.turns.release_lease(turn, engine.clock.now())
    assert (await engine.turns.append_event(turn, iteration_event(engine, turn))).seq == 1


@pytest.mark.parametrize("write", COMPLETIONS)
async def test_no_turn_completes_in_a_deleted_project(engine: TestedEngine, write: str) -> None:
    project = await stored_project(engine)
    turn = await claimed_turn(engine, await stored_session(engine, project))
    await engine.projects.delete_project(project.project_id)
    before = await everything_of(engine, turn)
    version = next_version(engine, project) if write == "complete_turn_with_code" else None
    event = answer_event(engine, turn, 1 if version is None else 2)
    with pytest.raises(TurnFencedError):
        await engine.turns.complete_turn(turn, answer_of(version), version, event)
    assert await everything_of(engine, turn) == before

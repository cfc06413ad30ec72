"""Contract of TurnStore: the completed turns of a session, which its memory must hold."""

from backend.app.domain.messages.message import CompletedTurn, Item
from tests.contract.builders import (
    ITEMS,
    answer_of,
    cancel,
    claimed_again,
    claimed_turn,
    complete,
    fail,
    queued_message,
    stored_project,
    stored_session,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import answer_event


async def _completed(engine: TestedEngine, session_id: str, after: int = 0, limit: int = 100) -> list[CompletedTurn]:
    return list(await engine.turns.list_completed_turns(session_id, after, limit))


async def test_completed_turns_come_in_order_with_their_items(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    expected: list[CompletedTurn] = []
    for number in (1, 2, 3):
        turn = await claimed_turn(engine, session)
        items: list[Item] = [{"role": "user", "content": f"né ☂ {number}", "deep": [{"a": None}]}, {"n": number}]
        await complete(engine, turn, items=items)
        expected.append(CompletedTurn(number, turn.message_id, tuple(items)))
    assert await _completed(engine, session.session_id) == expected


async def test_only_turns_above_the_asked_number_come_and_only_so_many(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    for _ in range(4):
        await complete(engine, await claimed_turn(engine, session))
    assert [turn.number for turn in await _completed(engine, session.session_id, after=2)] == [3, 4]
    assert [turn.number for turn in await _completed(engine, session.session_id, after=1, limit=2)] == [2, 3]
    assert [turn.number for turn in await _completed(engine, session.session_id, after=0, limit=1)] == [1]
    assert await _completed(engine, session.session_id, after=4) == []
    assert await _completed(engine, session.session_id, after=99) == []


async def test_turns_that_did_not_complete_are_passed_over(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    for end in ("complete", "fail", "cancel", "complete", "run", "queue"):
        if end in ("cancel", "queue"):
            message = await queued_message(engine, session)
            if end == "cancel":
                await cancel(engine, message)
            continue
        turn = await claimed_turn(engine, session)
        await engine.turns.store_items(turn, ITEMS)
        if end == "complete":
            await complete(engine, turn)
        elif end == "fail":
            await fail(engine, turn)
    assert [turn.number for turn in await _completed(engine, session.session_id)] == [1, 4]


async def test_only_the_items_of_the_attempt_that_completed_count(engine: TestedEngine) -> None:
    first = await claimed_turn(engine)
    await engine.turns.store_items(first, [{"content": "of the first attempt"}])
    second = await claimed_again(engine, first)
    await complete(engine, second, items=[{"content": "of the second"}])
    (turn,) = await _completed(engine, first.session_id)
    assert turn.items == ({"content": "of the second"},)


async def test_storing_items_again_replaces_them(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.store_items(turn, [{"content": "draft"}, {"content": "more"}])
    await engine.turns.store_items(turn, ITEMS)
    await engine.turns.store_items(turn, ITEMS)
    await engine.turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn))
    assert await _completed(engine, turn.session_id) == [CompletedTurn(1, turn.message_id, ITEMS)]


async def test_a_turn_may_complete_with_no_items(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await complete(engine, turn, items=[])
    assert await _completed(engine, turn.session_id) == [CompletedTurn(1, turn.message_id, ())]


async def test_a_completed_turn_that_never_stored_items_is_listed_without_any(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn))
    assert await _completed(engine, turn.session_id) == [CompletedTurn(1, turn.message_id, ())]


async def test_large_items_are_read_as_they_were_stored(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    items: list[Item] = [{"role": "assistant", "content": "né ☂ \U0001f327" * 60_000}] * 3
    await complete(engine, turn, items=items)
    (completed,) = await _completed(engine, turn.session_id)
    assert completed.items == tuple(items)


async def test_sessions_do_not_share_their_turns(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    await complete(engine, await claimed_turn(engine, session))
    assert await _completed(engine, other.session_id) == []
    assert await _completed(engine, engine.ids.new_id()) == []


async def test_completed_turns_outlive_their_process(engine: TestedEngine, reopen: Reopen) -> None:
    turn = await claimed_turn(engine)
    await complete(engine, turn)
    assert await _completed(await reopen(), turn.session_id) == [CompletedTurn(1, turn.message_id, ITEMS)]

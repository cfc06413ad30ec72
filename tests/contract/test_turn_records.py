"""Contract of TurnStore: the responses, events and items of a running turn."""

import asyncio

from shared.token_usage import TokenUsage
from tests.contract.builders import (
    claimed_again,
    claimed_turn,
    current_message,
    current_session,
    record_response,
    response_of,
    stored_project,
    stored_session,
)
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import USAGE, iteration_event, started_event, usage_event


async def test_a_response_is_stored_with_its_usage_and_its_event(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    event = usage_event(engine, turn)
    logged = await engine.turns.record_response(turn, response_of(turn), event)
    assert logged == event.model_copy(update={"seq": 1})
    assert list(await engine.messages.list_responses(turn.message_id)) == [response_of(turn)]
    message = await current_message(engine, turn)
    assert (message.token_usage, message.model) == (USAGE, "model-1")
    page = await engine.events.read_events(turn.project_id, turn.session_id, 0)
    assert page is not None
    assert page.events == (logged,)


async def test_the_usage_of_a_message_sums_over_its_responses_and_attempts(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await record_response(engine, turn, 1)
    await record_response(engine, turn, 2, TokenUsage(prompt_tokens=100, completion_tokens=50, total_tokens=150))
    turn = await claimed_again(engine, turn)
    await record_response(engine, turn, 1, TokenUsage(prompt_tokens=1000, completion_tokens=500, total_tokens=1500))
    expected = TokenUsage(
        prompt_tokens=1110, completion_tokens=555, total_tokens=1665, cached_tokens=4, reasoning_tokens=2
    )
    assert (await current_message(engine, turn)).token_usage == expected


async def test_an_event_gets_the_next_number_of_its_session(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    turn, other_turn = await claimed_turn(engine, session), await claimed_turn(engine, other)
    for seq in (1, 2, 3):
        event = started_event(engine, turn)
        assert await engine.turns.append_event(turn, event) == event.model_copy(update={"seq": seq})
    logged = await engine.turns.append_event(other_turn, iteration_event(engine, other_turn))
    assert logged.seq == 1
    assert (await current_session(engine, session)).last_seq == 3


async def test_eight_parallel_appenders_leave_no_gap_in_the_numbers(
    engine: TestedEngine, other_engine: TestedEngine
) -> None:
    turn = await claimed_turn(engine)

    async def append(appender: TestedEngine) -> list[int]:
        events = [iteration_event(engine, turn) for _ in range(10)]
        return [(await appender.turns.append_event(turn, event)).seq for event in events]

    numbers = await asyncio.gather(*(append(each) for each in (engine, other_engine) * 4))
    assert all(own == sorted(own) for own in numbers)
    assert sorted(seq for own in numbers for seq in own) == list(range(1, 81))
    page = await engine.events.read_events(turn.project_id, turn.session_id, 0)
    assert page is not None
    assert [event.seq for event in page.events] == list(range(1, 81))


async def test_storing_items_shows_nowhere_before_the_turn_is_completed(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.store_items(turn, [{"role": "user", "content": "Hi"}])
    assert list(await engine.turns.list_completed_turns(turn.session_id, 0, 10)) == []

"""Contract of MessageStore: lists of messages and of model responses."""

import json
from dataclasses import replace

import pytest

from backend.app.domain.errors import (
    InvalidCursorError,
)
from backend.app.domain.messages.message import Message
from backend.app.domain.page import Page
from tests.contract.builders import (
    MADE_UP_CURSORS,
    claim,
    claimed_again,
    claimed_turn,
    fail,
    queued_message,
    record_response,
    response_of,
    stored_session,
)
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import usage_event


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_the_pages_of_messages_hold_each_once_by_number(
    engine: TestedEngine, limit: int, *, ascending: bool
) -> None:
    session, other = await stored_session(engine), await stored_session(engine)
    messages: list[Message] = []
    for _ in range(5):
        messages.append(await queued_message(engine, session))
        await queued_message(engine, other)
    pages = [await engine.messages.list_messages(session.session_id, limit, None, ascending=ascending)]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(await engine.messages.list_messages(session.session_id, limit, cursor, ascending=ascending))
    listed = [message for page in pages for message in page.items]
    assert listed == (messages if ascending else messages[::-1])
    assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].items


@pytest.mark.parametrize("ascending", [True, False])
async def test_the_cursor_of_each_message_asks_for_what_follows_it(engine: TestedEngine, *, ascending: bool) -> None:
    session = await stored_session(engine)
    for _ in range(4):
        await queued_message(engine, session)
    page = await engine.messages.list_messages(session.session_id, 4, None, ascending=ascending)
    assert len(page.cursors) == 4
    for count, cursor in enumerate(page.cursors, 1):
        following = await engine.messages.list_messages(session.session_id, 10, cursor, ascending=ascending)
        assert following.items == page.items[count:]


@pytest.mark.parametrize("ascending", [True, False])
async def test_the_list_of_no_session_is_empty(engine: TestedEngine, *, ascending: bool) -> None:
    await queued_message(engine, await stored_session(engine))
    assert await engine.messages.list_messages(engine.ids.new_id(), 10, None, ascending=ascending) == Page(())


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("cursor", MADE_UP_CURSORS)
async def test_a_made_up_cursor_of_messages_is_refused(engine: TestedEngine, cursor: str, *, ascending: bool) -> None:
    session = await stored_session(engine)
    with pytest.raises(InvalidCursorError):
        await engine.messages.list_messages(session.session_id, 10, cursor, ascending=ascending)


async def test_responses_are_listed_completely_by_attempt_and_call(engine: TestedEngine) -> None:
    first = await claimed_turn(engine)
    for call in (2, 1, 10):
        await record_response(engine, first, call)
    second = await claimed_again(engine, first)
    await record_response(engine, second, 1)
    await fail(engine, second)
    expected = [response_of(first, call) for call in (1, 2, 10)] + [response_of(second, 1)]
    assert list(await engine.messages.list_responses(first.message_id)) == expected


async def test_a_large_response_is_stored_completely(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    body = {"id": "resp_1", "output": [{"content": "né ☂ \U0001f327" * 60_000, "deep": [[None, True, 1.5, 10**15]]}]}
    response = replace(response_of(turn), body=json.dumps(body))
    await engine.turns.record_response(turn, response, usage_event(engine, turn))
    assert list(await engine.messages.list_responses(turn.message_id)) == [response]


async def test_messages_do_not_share_their_responses(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await record_response(engine, turn)
    other = await claim(engine, (await queued_message(engine, session)).message_id)
    assert list(await engine.messages.list_responses(other.message_id)) == []
    assert list(await engine.messages.list_responses(engine.ids.new_id())) == []

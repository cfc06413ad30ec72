"""What TurnSession owes to the SDK's runner, and to the memory that keeps what it gathered."""

from typing import cast

import pytest
from agents import TResponseInputItem
from agents.memory import Session

from backend.app.domain.messages.message import Item
from backend.app.memory.turn_session import TurnSession


def _input(*items: Item) -> list[TResponseInputItem]:
    return cast(list[TResponseInputItem], list(items))


def _numbered(*numbers: int) -> list[TResponseInputItem]:
    return _input(*({"role": "user", "content": str(number)} for number in numbers))


@pytest.fixture
def session() -> TurnSession:
    return TurnSession("project_1")


def test_a_turn_session_is_a_session_of_the_sdk(session: TurnSession) -> None:
    assert isinstance(session, Session)
    as_the_sdk_sees_it: Session = session
    assert (as_the_sdk_sees_it.session_id, as_the_sdk_sees_it.session_settings) == ("project_1", None)


async def test_a_new_turn_has_added_nothing(session: TurnSession) -> None:
    assert await session.get_items() == []
    assert session.new_items() == ()


async def test_what_is_added_is_kept_in_order(session: TurnSession) -> None:
    await session.add_items(_numbered(1, 2))
    await session.add_items([])
    await session.add_items(_numbered(3))
    assert await session.get_items() == _numbered(1, 2, 3)
    assert list(session.new_items()) == _numbered(1, 2, 3)


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 5, 100])
async def test_a_limit_gives_the_newest_items_oldest_first(session: TurnSession, limit: int) -> None:
    await session.add_items(_numbered(1, 2))
    everything = _numbered(1, 2)
    assert await session.get_items(limit) == everything[max(0, 2 - limit) :]


async def test_the_newest_item_can_be_taken_back(session: TurnSession) -> None:
    await session.add_items(_numbered(1, 2))
    assert await session.pop_item() == _numbered(2)[0]
    assert await session.get_items() == _numbered(1)
    await session.add_items(_numbered(3))
    assert list(session.new_items()) == _numbered(1, 3)


async def test_nothing_can_be_taken_from_an_empty_turn(session: TurnSession) -> None:
    assert await session.pop_item() is None
    await session.add_items(_numbered(1))
    await session.pop_item()
    assert await session.pop_item() is None
    assert await session.get_items() == []


async def test_clearing_removes_what_the_turn_added(session: TurnSession) -> None:
    await session.add_items(_numbered(1, 2))
    await session.clear_session()
    assert await session.get_items() == []
    assert session.new_items() == ()
    await session.clear_session()
    await session.add_items(_numbered(3))
    assert list(session.new_items()) == _numbered(3)


async def test_what_was_read_can_be_changed_without_changing_the_session(session: TurnSession) -> None:
    for limit in (None, 100):
        (await session.get_items(limit)).clear()
    added = _numbered(1)
    await session.add_items(added)
    added.clear()
    assert await session.get_items() == _numbered(1)


async def test_sessions_do_not_share_their_items(session: TurnSession) -> None:
    other = TurnSession("project_1")
    await session.add_items(_numbered(1))
    assert await other.get_items() == []


async def test_reasoning_and_ids_of_the_server_are_not_kept(session: TurnSession) -> None:
    await session.add_items(
        _input(
            {"role": "user", "content": "Make it rain"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "patch", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "é"}]},
        )
    )
    assert session.new_items() == (
        {"role": "user", "content": "Make it rain"},
        {"type": "function_call", "call_id": "call_1", "name": "patch", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "é"}]},
    )


async def test_within_the_turn_reasoning_and_ids_stay(session: TurnSession) -> None:
    items = _input(
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "patch", "arguments": "{}"},
    )
    await session.add_items(items)
    first, again = session.new_items(), session.new_items()
    assert first == again
    assert await session.get_items() == items

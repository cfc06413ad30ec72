"""Live events pass as they come; text of a message that is over, or of an older attempt, does not."""

from collections.abc import Awaitable, Callable

import pytest

from backend.app.domain.messages.message import Message, TurnRef
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import CodeChangedEvent, LoggedEvent, MessageQueuedEvent
from tests.contract.builders import (
    cancel,
    complete,
    delete,
    fail,
    queued_message,
    started_event,
    take_up,
    taken_again,
)
from tests.relay.rooms import Heard, Writer, delta

End = Callable[[LocalEngine, TurnRef], Awaitable[LoggedEvent]]


async def cancelled(engine: LocalEngine, turn: TurnRef) -> LoggedEvent:
    """The end of a message that was cancelled after its worker had gone."""
    await engine.turns.release_lease(turn, engine.clock.now())
    _, event = await cancel(engine, turn)
    assert event is not None
    return event


async def start(engine: LocalEngine, room: RoomCursor, turn: TurnRef) -> None:
    await room.hear(await engine.turns.append_event(turn, started_event(engine, turn)))


async def test_text_of_the_running_message_is_passed_on(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    await room.hear(delta(engine, writer.turn))
    await room.hear(await writer.log())
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == ["message_started", "text_delta", "agent_iteration", "text_delta"]


async def test_text_of_a_message_that_began_before_the_room_was_opened_is_passed_on(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == ["text_delta"]


@pytest.mark.parametrize("end", [complete, fail, cancelled])
async def test_text_of_a_message_that_has_ended_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard, end: End
) -> None:
    await start(engine, room, writer.turn)
    await room.hear(await end(engine, writer.turn))
    told = heard.names()
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == told


async def test_text_of_a_message_whose_end_was_only_found_in_the_log_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await fail(engine, writer.turn)
    await room.fill()
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == ["message_failed"]


async def test_text_of_an_older_attempt_is_dropped_and_of_the_current_one_passed_on(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    again = await taken_again(engine, writer.turn)
    await start(engine, room, again)
    await room.hear(delta(engine, writer.turn))
    await room.hear(delta(engine, again))
    told = [(event.type, getattr(event, "attempt", None)) for event in heard.events]
    assert told == [("message_started", 1), ("message_started", 2), ("text_delta", 2)]


async def test_text_of_an_ended_message_is_dropped_while_the_next_one_runs(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    following = await queued_message(engine, writer.session)
    await room.hear(await complete(engine, writer.turn))
    turn = await take_up(engine, following.message_id)
    await start(engine, room, turn)
    await room.hear(delta(engine, writer.turn))
    await room.hear(delta(engine, turn))
    deltas = [event.message_id for event in heard.events if event.type == "text_delta"]
    assert deltas == [turn.message_id]


async def test_cancelling_a_waiting_message_does_not_silence_the_running_one(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    waiting: Message = await queued_message(engine, writer.session)
    _, event = await cancel(engine, waiting)
    assert event is not None
    await room.hear(event)
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == ["message_started", "message_cancelled", "text_delta"]


async def test_text_of_an_older_attempt_is_dropped_after_a_waiting_message_was_cancelled(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    again = await taken_again(engine, writer.turn)
    await start(engine, room, again)
    _, event = await cancel(engine, await queued_message(engine, writer.session))
    assert event is not None
    await room.hear(event)
    await room.hear(delta(engine, writer.turn))
    assert "text_delta" not in heard.names()


async def test_text_of_a_deleted_session_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await start(engine, room, writer.turn)
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.hear(deleted)
    await room.hear(delta(engine, writer.turn))
    assert heard.names() == ["message_started", "session_deleted"]


async def test_other_live_events_always_pass(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await room.hear(await complete(engine, writer.turn))
    now, session = engine.clock.now(), writer.session
    queued = MessageQueuedEvent(
        event_id=engine.ids.new_id(),
        project_id=session.project_id,
        session_id=session.session_id,
        created_at=now,
        message_id=writer.turn.message_id,
        prompt="Make it rain",
    )
    by_hand = CodeChangedEvent(
        event_id=engine.ids.new_id(),
        project_id=session.project_id,
        session_id=None,
        message_id=None,
        created_at=now,
        version=2,
    )
    await room.hear(queued)
    await room.hear(by_hand)
    assert heard.events[1:] == [queued, by_hand]

"""Live events are emitted, except text of a message that has ended or of an earlier attempt."""

from collections.abc import Awaitable, Callable

import pytest

from backend.app.domain.messages.message import Message, TurnRef
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import CodeChangedEvent, LoggedEvent, MessageQueuedEvent
from tests.contract.builders import cancel, claim, claimed_again, complete, delete, fail, queued_message
from tests.contract.event_builders import started_event
from tests.relay.room_fixtures import Recorder, Writer, delta

End = Callable[[LocalEngine, TurnRef], Awaitable[LoggedEvent]]


async def cancelled(engine: LocalEngine, turn: TurnRef) -> LoggedEvent:
    """The end of a message that was cancelled after its lease had ended."""
    await engine.turns.release_lease(turn, engine.clock.now())
    _, event = await cancel(engine, turn)
    assert event is not None
    return event


async def start(engine: LocalEngine, room: RoomCursor, turn: TurnRef) -> None:
    await room.handle(await engine.turns.append_event(turn, started_event(engine, turn)))


async def test_text_of_the_running_message_is_emitted(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    await room.handle(delta(engine, writer.turn))
    await room.handle(await writer.log())
    await room.handle(delta(engine, writer.turn))
    assert member.names() == ["message_started", "text_delta", "agent_iteration", "text_delta"]


async def test_text_of_a_message_that_began_before_the_room_was_opened_is_emitted(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await room.handle(delta(engine, writer.turn))
    assert member.names() == ["text_delta"]


@pytest.mark.parametrize("end", [complete, fail, cancelled])
async def test_text_of_a_message_that_has_ended_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder, end: End
) -> None:
    await start(engine, room, writer.turn)
    await room.handle(await end(engine, writer.turn))
    before = member.names()
    await room.handle(delta(engine, writer.turn))
    assert member.names() == before


async def test_text_of_a_message_whose_end_was_backfilled_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await fail(engine, writer.turn)
    await room.reconcile()
    await room.handle(delta(engine, writer.turn))
    assert member.names() == ["message_failed"]


async def test_text_of_an_earlier_attempt_is_dropped_and_that_of_the_current_one_emitted(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    again = await claimed_again(engine, writer.turn)
    await start(engine, room, again)
    await room.handle(delta(engine, writer.turn))
    await room.handle(delta(engine, again))
    emitted = [(event.type, getattr(event, "attempt", None)) for event in member.events]
    assert emitted == [("message_started", 1), ("message_started", 2), ("text_delta", 2)]


async def test_text_of_an_ended_message_is_dropped_while_the_next_one_runs(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    following = await queued_message(engine, writer.session)
    await room.handle(await complete(engine, writer.turn))
    turn = await claim(engine, following.message_id)
    await start(engine, room, turn)
    await room.handle(delta(engine, writer.turn))
    await room.handle(delta(engine, turn))
    deltas = [event.message_id for event in member.events if event.type == "text_delta"]
    assert deltas == [turn.message_id]


async def test_cancelling_a_queued_message_does_not_drop_text_of_the_running_one(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    waiting: Message = await queued_message(engine, writer.session)
    _, event = await cancel(engine, waiting)
    assert event is not None
    await room.handle(event)
    await room.handle(delta(engine, writer.turn))
    assert member.names() == ["message_started", "message_cancelled", "text_delta"]


async def test_text_of_an_earlier_attempt_is_dropped_after_a_queued_message_was_cancelled(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    again = await claimed_again(engine, writer.turn)
    await start(engine, room, again)
    _, event = await cancel(engine, await queued_message(engine, writer.session))
    assert event is not None
    await room.handle(event)
    await room.handle(delta(engine, writer.turn))
    assert "text_delta" not in member.names()


async def test_text_of_a_deleted_session_is_dropped(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await start(engine, room, writer.turn)
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.handle(deleted)
    await room.handle(delta(engine, writer.turn))
    assert member.names() == ["message_started", "session_deleted"]


async def test_other_live_events_are_always_emitted(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await room.handle(await complete(engine, writer.turn))
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
    await room.handle(queued)
    await room.handle(by_hand)
    assert member.events[1:] == [queued, by_hand]

"""A subscription that fails leaves the room and its other members as they were."""

import pytest

from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import Event
from tests.relay.room_fixtures import Recorder, WatchedLog, Writer


async def test_a_failed_subscription_does_not_harm_the_room(
    room: RoomCursor, writer: Writer, log: WatchedLog, member: Recorder, subscriber: Recorder
) -> None:
    events = await writer.log_many(2)
    log.fail(times=1)
    with pytest.raises(ConnectionError):
        await room.subscribe(subscriber, {writer.session_id: 0})
    for event in events:
        await room.handle(event)
    assert member.events == events
    assert subscriber.events == []


async def test_a_subscriber_that_disconnects_during_its_replay_does_not_block_the_room(
    room: RoomCursor, writer: Writer, member: Recorder, subscriber: Recorder
) -> None:
    events = await writer.log_many(3)

    class Disconnected(Recorder):
        async def send(self, event: Event) -> None:
            raise ConnectionError(f"No client for {event.type}")

    with pytest.raises(ConnectionError):
        await room.subscribe(Disconnected(), {writer.session_id: 0})
    await room.handle(events[2])
    assert member.events == events

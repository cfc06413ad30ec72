"""Events are encoded once and written once a flush, in one order with everything else that a client is sent."""

import asyncio
import json
from random import Random
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from backend.relay.relay import Relay
from backend.relay.transport.event_frames import FrameEncoder, packet_text
from backend.relay.transport.websocket_wire import frame_of
from shared.events import event_payload, room_of
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, event_of, live_relay, until
from tests.relay.room_fixtures import event_cache, numbers

PATHS = pytest.mark.parametrize("fast_path", [True, False], ids=["fast", "default"])
TRANSPORTS = ("websocket", "polling", "polling+websocket")


@pytest.mark.parametrize("size", [0, 40, 125, 126, 1_000, 65_535, 65_536, 200_000])
def test_a_frame_holds_its_event_at_every_length(size: int) -> None:
    event = event_of(1, content="é" * size)
    frame = FrameEncoder().encode(event)
    text = packet_text(frame)
    assert json.loads(text[1:]) == [event.type, event_payload(event)]
    assert frame.endswith(text.encode())
    assert frame == Frame(Opcode.TEXT, f"4{text}".encode()).serialize(mask=False)
    assert frame_of("x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


def test_an_event_is_encoded_once_and_evicted_when_the_cache_is_full() -> None:
    events = [event_of(seq, content="x" * 900) for seq in range(1, 21)]
    cache = event_cache(10_000, 60)
    cache.add(events[0])
    first = cache.encode(events[0])
    assert cache.encode(events[0]) is first
    for event in events:
        cache.add(event)
    assert cache.encode(events[0]) is not first
    assert cache.encode(events[0]) == first
    assert FrameEncoder().decode(first) == events[0]


def record_writes(live: LiveRelay) -> list[int]:
    """The sizes of the writes to WebSockets from now on."""
    written: list[int] = []
    for socket in live.relay.sio.eio.sockets.values():
        if socket.protocol is not None:
            write = socket.protocol.write_frames

            def record(frames: bytes, write: Any = write) -> None:
                written.append(len(frames))
                write(frames)

            socket.protocol.write_frames = record  # type: ignore[method-assign]
    return written


async def test_concurrent_events_are_written_together_and_a_single_one_immediately() -> None:
    async with live_relay() as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        written = record_writes(live)
        live.publish()
        await watcher.wait_for("agent_iteration", 1)
        assert len(written) == 1
        live.publish(100)
        await watcher.wait_for("agent_iteration", 101)
        assert len(written) <= 10
        assert live.metrics.flushed_events == 101
        assert live.metrics.largest_flush >= 10
        assert live.metrics.deliveries == 101


@PATHS
async def test_room_events_and_all_other_packets_are_sent_in_one_order(*, fast_path: bool) -> None:
    async with live_relay(fast_path=fast_path) as live, live.watcher() as watcher, live.watcher("polling") as other:
        order: list[int] = []
        watcher.client.on("step", order.append)
        watcher.client.on("agent_iteration", lambda event: order.append(event["seq"]))
        other_order: list[int] = []
        other.client.on("step", other_order.append)
        other.client.on("agent_iteration", lambda event: other_order.append(event["seq"]))
        for each in (watcher, other):
            await each.subscribe(PROJECT)
        random, sids = Random(3), live.sids
        for step in range(1, 301):
            if random.random() < 0.6:
                live.relay.sio.manager.emit_event(room_of(PROJECT), event_of(step))
            elif random.random() < 0.5:
                await live.relay.sio.emit("step", step, room=room_of(PROJECT))
            else:
                for sid in sids:
                    await live.relay.sio.emit("step", step, to=sid, callback=lambda *_: None)
            if random.random() < 0.1:
                await asyncio.sleep(random.choice([0, 0.001, 0.003]))
        await until(lambda: len(order) == len(other_order) == 300)
        assert order == other_order == numbers(1, 300)


@PATHS
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_clients_that_join_a_running_stream_get_each_event_once(transport: str, *, fast_path: bool) -> None:
    random, total = Random(transport), 600

    async def write(live: LiveRelay) -> None:
        while len(live.log.sessions.get(SESSION, ())) < total:
            live.publish(random.randint(1, 8))
            await asyncio.sleep(random.choice([0, 0, 0.001, 0.004]))

    async def follow(live: LiveRelay) -> None:
        await asyncio.sleep(random.uniform(0, 0.4))
        async with live.watcher(transport) as watcher:
            await watcher.subscribe(PROJECT, {SESSION: 0})
            await watcher.wait_until(lambda: len(watcher.events) >= last())
            assert [event["seq"] for event in watcher.events] == numbers(1, last())

    async with live_relay(fast_path=fast_path) as live:

        def last() -> int:
            return max(total, len(live.log.sessions[SESSION]))

        await asyncio.gather(write(live), *(follow(live) for _ in range(6)))
        assert not live.metrics.drops


async def test_a_client_that_left_a_room_is_not_sent_later_events() -> None:
    async with live_relay() as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        relay: Relay = live.relay
        (sid,) = live.sids
        manager = relay.sio.manager
        manager.emit_event(room_of(PROJECT), event_of(1))
        await relay.sio.leave_room(sid, room_of(PROJECT))
        manager.emit_event(room_of(PROJECT), event_of(2))
        await relay.sio.emit("end", to=sid)
        ended = asyncio.Event()
        watcher.client.on("end", ended.set)
        await relay.sio.emit("end", to=sid)
        await ended.wait()
        assert [event["seq"] for event in watcher.events] == [1]


async def test_closed_connections_are_removed_from_the_room() -> None:
    async with live_relay() as live, live.watcher() as permanent:
        await permanent.subscribe(PROJECT)
        for _ in range(5):
            async with live.watcher() as temporary:
                await temporary.subscribe(PROJECT)
                live.publish()
        live.publish()
        await permanent.wait_for("agent_iteration", 6)
        await until(lambda: live.relay.connections == 1)
        assert len(live.relay.sio.manager._audience(room_of(PROJECT)).direct) == 1

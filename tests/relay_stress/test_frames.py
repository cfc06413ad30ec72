"""Large events, and bytes in both directions, keep their order, and nothing is compressed."""

import json
from random import Random
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from shared.events import room_of
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import POLLING, TRANSPORTS, UPGRADE, WEBSOCKET, Crowd
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress

_POLLING = "/socket.io/?EIO=4&transport=polling"


async def connect_all(crowd: Crowd, *transports: tuple[str, ...], **options: Any) -> None:
    """Connect one client of each transport, with a replay of everything."""
    for each in transports:
        answer = await crowd.connect("+".join(each), each, PROJECT, {SESSION: 0}, **options)
        assert answer["ok"]


async def until_all_received(crowd: Crowd, stream: Stream) -> None:
    """All clients receive every event once, in order and unchanged."""
    await crowd.until_received(SESSION, stream.last, len(crowd.joined))
    for name, report in (await crowd.report()).items():
        assert (report.mistakes, report.ends, report.events) == ([], [], stream.last), name


async def test_events_of_70_kilobytes_are_complete_and_in_order(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream = Stream(live, rng)
        stream.publish(3, large=True)
        await connect_all(crowd, *TRANSPORTS)
        for _ in range(15):
            stream.publish(rng.randint(1, 20))
            stream.publish(2, large=True)
            await crowd.until_received(SESSION, stream.last - 30, len(TRANSPORTS))
        await until_all_received(crowd, stream)
        assert not live.metrics.drops


async def test_bytes_in_a_subscription_are_refused_and_the_stream_continues(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream = Stream(live, rng)
        await connect_all(crowd, *TRANSPORTS)
        for name in list(crowd.joined):
            for payload in ({"bytes": 300}, {"project_id": PROJECT, "after": {SESSION: {"bytes": 3}}}):
                stream.publish(rng.randint(1, 50))
                answer = await crowd.call(name, "subscribe", payload)
                assert (answer["ok"], answer["code"]) == (False, "invalid_subscription"), name
                assert answer["detail"], name
        stream.publish(100)
        await until_all_received(crowd, stream)


async def test_bytes_that_the_relay_sends_keep_their_order_among_the_events(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """In a room without polling clients: python-engineio disconnects those for bytes. The relay itself sends none.

    It caches a packet's first encoding, as bytes or as base64, and fails if the next client needs the other one.
    """
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        Stream(live, rng)
        await connect_all(crowd, WEBSOCKET, UPGRADE, keep=True)
        await crowd.until(lambda: all(socket.upgraded for socket in live.relay.sio.eio.sockets.values()), "upgrades")
        sids = [sid for sid, _ in live.relay.sio.manager.get_participants("/", room_of(PROJECT))]
        expected = await send_mixed(live, crowd, rng, sids)
        await crowd.until_received(SESSION, live.log.sessions[SESSION][-1].seq, 2)
        for name, report in (await crowd.report()).items():
            assert report.mistakes == [], name
            assert report.kept[1:] == expected, name


async def send_mixed(live: LiveRelay, crowd: Crowd, rng: Random, sids: list[str]) -> list[list[object]]:
    """Send events to the room, and bytes to it and to each of its clients. Returns what each client must receive."""
    room, expected = room_of(PROJECT), []
    for number in range(200):
        choice = rng.random()
        if choice < 0.6 or number == 199:
            event = live.log.append(content=f"{len(live.log.sessions[SESSION]) + 1} ")
            live.relay.sio.manager.emit_event(room, event)
            expected.append([event.type, event.seq])
            continue
        payload = {"type": "step", "number": number, "data": bytes([number]) * rng.choice([1, 200, 70_000])}
        for target in [room] if choice < 0.8 else sids:
            await live.relay.sio.emit("step", payload, to=target)
        expected.append(["step", number])
    return expected


async def test_no_websocket_is_compressed_although_its_client_offers_compression(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, javascript(live.url) as crowd:
        stream = Stream(live, rng)
        await connect_all(crowd, WEBSOCKET, UPGRADE, perMessageDeflate=True)
        stream.publish(20, large=True)
        await until_all_received(crowd, stream)
        offers = [live.relay.sio.get_environ(sid) for sid, _ in live.relay.sio.manager.get_participants("/", None)]
        assert "permessage-deflate" in offers[0]["HTTP_SEC_WEBSOCKET_EXTENSIONS"]
        assert {report.extensions for report in (await crowd.report()).values()} == {""}
        async with connect(f"{live.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket") as socket:
            assert socket.request is not None
            assert socket.response is not None
            assert "permessage-deflate" in socket.request.headers["Sec-WebSocket-Extensions"]
            assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_no_response_to_a_poll_is_compressed_although_its_client_accepts_compression(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """The official client under Node could not read a compressed response."""
    headers = {"Accept-Encoding": "gzip, deflate, br"}
    async with live_relay(fast_path=fast_path) as live, javascript(live.url) as crowd:
        stream = Stream(live, rng)
        await connect_all(crowd, POLLING, extraHeaders=headers)
        stream.publish(20, large=True)
        await until_all_received(crowd, stream)
        async with httpx.AsyncClient(base_url=live.url, headers=headers) as http:
            opened = await http.get(_POLLING)
            url = f"{_POLLING}&sid={json.loads(opened.text[1:])['sid']}"
            subscription = json.dumps({"project_id": PROJECT, "after": {SESSION: 0}})
            await http.post(url, content=f'40\x1e420["subscribe",{subscription}]')
            polls = [await http.get(url)]
            while not any(len(poll.content) > 70_000 for poll in polls):
                polls.append(await http.get(url))
            assert not any("content-encoding" in answer.headers for answer in (opened, *polls))

"""Nothing that a client sends can crash, block or grow the relay; what is too much has an answer, or an end."""

import asyncio
import json
import logging
import time
from typing import Any

import httpx
import pytest
import socketio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from tests.relay.live_relay import PROJECT, LiveRelay, live_relay, until
from tests.relay.raw_client import RawWebSocket
from tests.relay.rooms import WAIT_SECONDS

POLLING = "/socket.io/?EIO=4&transport=polling"
GARBAGE: dict[str, str | bytes] = {
    "nothing": "",
    "no packet": "hello",
    "half a number": "4",
    "no Socket.IO": "4hello",
    "JSON that is no packet": '4{"a":1}',
    "deep JSON that is no packet": "4" + "[" * 20_000,
    "an event without a name": "42[]",
    "an event of an object": '42{"a":1}',
    "an event named by a number": "42[1]",
    "a nesting of 40,000": '42["subscribe",' + "[" * 40_000 + "]" * 40_000 + "]",
    "an error": '44{"message":"no"}',
    "an answer to nothing": "43[]",
    "an id of 200 digits": "42" + "1" * 200 + '["subscribe"]',
    "a binary event of a billion parts": "451000000000-[]",
    "a binary event of eleven parts": '4511-["subscribe"]',
    "a binary event without a part": '450-["subscribe"]',
    "a part without an event": b"\x00\x01",
    "no bytes": b"",
    "an opening": "0{}",
    "an unexpected probe": "2probe",
    "a nothing": "6",
}


async def throw(live: LiveRelay, *frames: str | bytes) -> tuple[int | None, str]:
    """How a socket ends that sends this."""
    async with connect(live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket") as socket:
        await socket.recv()
        await socket.send("40")
        await socket.recv()
        for frame in frames:
            await socket.send(frame)
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while True:
                    await socket.recv()
            except ConnectionClosed as closed:
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


async def open_polling(http: httpx.AsyncClient) -> str:
    opened = json.loads((await http.get(POLLING)).text[1:])
    url = f"{POLLING}&sid={opened['sid']}"
    await http.post(url, content="40")
    await http.get(url)
    return url


async def test_garbage_ends_its_socket_with_a_reason_and_one_line_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with live_relay() as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        for name, frame in GARBAGE.items():
            caplog.clear()
            assert await throw(live, frame) in [(1008, line) for line in ended_with(caplog)], name
            assert len(caplog.records) == 1, name
        assert "Traceback" not in caplog.text
        assert live.metrics.drops == {"malformed": len(GARBAGE)}
        live.say()
        await watcher.wait_for("agent_iteration")
        assert live.relay.connections == 1


def ended_with(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().removeprefix("A client was cut off: ") for record in caplog.records]


@pytest.mark.parametrize(
    "frames",
    [('451-["subscribe",{"_placeholder":true,"num":0}]', "text"), ('451-["a",{"_placeholder":true,"num":9}]', b"x")],
    ids=["text", "a number too high"],
)
async def test_attachments_that_do_not_fit_end_their_socket(frames: tuple[str | bytes, ...]) -> None:
    async with live_relay() as live:
        code, reason = await throw(live, *frames)
        assert (code, reason[:9]) == (1008, "malformed")
        await live.until_alone()
        assert not live.relay.sio._binary_packet


@pytest.mark.parametrize(
    "body",
    ["x", "4", "42[]", '42["a"]\x1e' * 3, "b!", b"\xff\xfe", "x" * 200_000],
    ids=["no packet", "half", "no name", "an empty last", "no base64", "no UTF-8", "too long"],
)
async def test_garbage_by_polling_is_answered_at_once_and_ends_its_socket(
    body: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        poll = asyncio.create_task(http.get(url))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        assert (await http.post(url, content=body)).status_code == 400
        await poll
        assert time.monotonic() - began < 2
        assert (await http.get(url)).status_code == 400
        await live.until_alone()
    assert "Traceback" not in caplog.text


async def test_a_goodbye_by_polling_ends_the_poll_that_is_pending() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        poll = asyncio.create_task(http.get(url))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        assert (await http.post(url, content="1")).text == "OK"
        assert (await poll).text == "6"
        assert time.monotonic() - began < 2


async def test_two_polls_at_once_end_the_socket() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        answers = await asyncio.gather(http.get(url), http.get(url))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        await live.until_alone()


async def test_a_flood_ends_its_socket_and_nobody_elses() -> None:
    async with live_relay(max_packets_per_second=10) as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        code, reason = await throw(live, *['42["noise"]'] * 200)
        assert (code, reason) == (1008, "flood: too many packets")
        live.say()
        await watcher.wait_for("agent_iteration")


async def test_a_flood_of_pings_whose_answers_are_not_read_ends_at_the_bound() -> None:
    async with live_relay(max_client_bytes=100_000) as live, RawWebSocket(live.address) as stuck:
        await stuck.join(PROJECT)
        async with asyncio.timeout(WAIT_SECONDS):
            while not live.metrics.drops:
                try:
                    await stuck.send(b"p" * 125, Opcode.PING)
                except OSError:
                    break
        await live.until_alone()
        assert live.metrics.drops == {"slow": 1}


async def test_a_message_of_endless_empty_parts_ends_its_socket() -> None:
    async with live_relay() as live, RawWebSocket(live.address) as client:
        await client.join(PROJECT)
        await client.send("4", fin=False)
        for _ in range(1_100):
            await client.send("", Opcode.CONT, fin=False)
        assert b"too many fragments" in await client.until_closed()
        await live.until_alone()


async def test_a_socket_that_does_not_say_who_it_is_is_ended() -> None:
    async with live_relay(connect_seconds=0.05) as live, RawWebSocket(live.address) as client:
        assert b"silent: it did not say who it is" in await client.until_closed()
        await live.until_alone()
        assert live.metrics.drops == {"silent": 1}


async def test_more_rooms_than_allowed_are_refused_and_the_others_are_heard() -> None:
    async with live_relay(max_rooms=2) as live, live.watcher() as watcher:
        for name in ("one", "two", "two"):
            assert (await watcher.subscribe(name))["ok"] is True
        assert (await watcher.subscribe("three"))["code"] == "too_many_rooms"
        await watcher.call("unsubscribe", {"project_id": "one"})
        assert (await watcher.subscribe("three"))["ok"] is True


async def test_more_connections_of_one_user_than_allowed_are_refused_until_one_goes() -> None:
    async with live_relay(max_user_connections=2) as live, live.watcher():
        async with live.watcher():
            assert await refusal(live) == {"code": "too_many_connections"}
        await until(lambda: live.relay.connections == 1)
        async with live.watcher() as watcher:
            assert (await watcher.subscribe(PROJECT))["ok"] is True
        assert live.metrics.refusals == {"too_many_connections": 1}


async def refusal(live: LiveRelay) -> Any:
    """What a client is told that may not connect."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", told.set_result)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(live.url, transports=["websocket"])
    await client.shutdown()
    return (await told)["data"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_full_relay_says_so_and_serves_those_that_it_has(transport: str) -> None:
    async with live_relay(max_connections=1) as live, live.watcher(transport) as watcher:
        async with httpx.AsyncClient(base_url=live.url) as http:
            answer = await http.get(POLLING)
        assert (answer.status_code, answer.json()["code"]) == (503, "full")
        assert int(answer.headers["retry-after"]) > 0
        with pytest.raises(InvalidStatus, match="503"):
            await connect(live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket")
        await watcher.subscribe(PROJECT)
        live.say()
        await watcher.wait_for("agent_iteration")
        assert live.metrics.refusals == {"full": 2}


async def test_too_many_requests_at_a_time_are_told_to_wait() -> None:
    async with live_relay() as live, live.watcher() as watcher:
        answers = await asyncio.gather(*(watcher.subscribe(PROJECT) for _ in range(60)))
        assert all(answer["ok"] for answer in answers)
        handlers = live.relay.sio.handlers["/"]
        (sid,) = live.sids
        waiting = await asyncio.gather(*(handlers["subscribe"](sid, {"project_id": PROJECT}) for _ in range(300)))
        assert {answer.get("code") for answer in waiting} == {None, "too_many_requests"}


async def test_an_upgrade_that_comes_to_nothing_leaves_polling_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        for frames in (["4x"], ["2probe"], ["2probe", "3"], ["5"]):
            path = url.replace("transport=polling", "transport=websocket")
            async with RawWebSocket(live.address, path) as upgrade:
                for frame in frames:
                    await upgrade.send(frame)
            if frames == ["4x"]:
                assert (await http.get(url)).status_code in (200, 400)  # it was cut off over it
                url = await open_polling(http)
        await asyncio.sleep(0.05)
        await http.post(url, content=f'421["subscribe",{{"project_id":"{PROJECT}"}}]')
        text = ""
        while "431[" not in text:
            text += (await http.get(url)).text
        live.say()
        while "agent_iteration" not in text:
            text += (await http.get(url)).text
    assert "Traceback" not in caplog.text


async def test_no_task_is_left_of_clients_that_came_and_went() -> None:
    logging.getLogger("backend.relay").setLevel(logging.ERROR)
    async with live_relay() as live:
        async with live.watcher():
            pass
        await live.until_alone()
        await asyncio.sleep(0.05)
        before = len(asyncio.all_tasks())
        for transports in (["websocket"], ["polling"], ["polling", "websocket"]) * 3:
            client = socketio.AsyncClient(reconnection=False)
            await client.connect(live.url, transports=transports)
            assert (await client.call("subscribe", {"project_id": PROJECT}))["ok"] is True
            await client.disconnect()
            await client.shutdown()
        await live.until_alone()
        await until(lambda: len(asyncio.all_tasks()) <= before)
    logging.getLogger("backend.relay").setLevel(logging.NOTSET)

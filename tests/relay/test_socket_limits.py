"""Clients that exceed a limit are refused or disconnected, and harm no other client."""

import asyncio
import logging
import time
from typing import Any

import httpx
import pytest
import socketio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode

from backend.relay.transport import relay_socket_server
from tests.relay.live_relay import PROJECT, LiveRelay, live_relay, until
from tests.relay.malicious_client import POLLING, open_polling, send_frames
from tests.relay.raw_client import RawWebSocket
from tests.relay.room_fixtures import WAIT_SECONDS


async def test_a_close_by_polling_ends_the_pending_poll() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        poll = asyncio.create_task(http.get(url))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        assert (await http.post(url, content="1")).text == "OK"
        assert (await poll).text == "6"
        assert time.monotonic() - began < 2


async def test_two_concurrent_polls_end_the_connection() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        answers = await asyncio.gather(http.get(url), http.get(url))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        await live.until_empty()


async def test_a_flood_of_packets_ends_its_own_connection_only() -> None:
    async with live_relay(max_packets_per_second=10) as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        code, reason = await send_frames(live, *['42["noise"]'] * 200)
        assert (code, reason) == (1008, "flood: too many packets")
        live.publish()
        await watcher.wait_for("agent_iteration")


async def test_a_flood_of_pings_without_reading_the_pongs_ends_at_the_limit() -> None:
    async with live_relay(max_client_bytes=100_000) as live, RawWebSocket(live.address) as stuck:
        await stuck.join(PROJECT)
        async with asyncio.timeout(WAIT_SECONDS):
            while not live.metrics.drops:
                try:
                    await stuck.send(b"p" * 125, Opcode.PING)
                except OSError:
                    break
        await live.until_empty()
        assert live.metrics.drops == {"slow": 1}


async def test_a_message_of_endless_empty_fragments_ends_its_connection() -> None:
    async with live_relay() as live, RawWebSocket(live.address) as client:
        await client.join(PROJECT)
        await client.send("4", fin=False)
        for _ in range(1_100):
            await client.send("", Opcode.CONT, fin=False)
        assert b"too many fragments" in await client.until_closed()
        await live.until_empty()


async def test_a_connection_without_authentication_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_socket_server, "AUTHENTICATION_SECONDS", 0.05)
    async with live_relay() as live, RawWebSocket(live.address) as client:
        assert b"silent: no authentication in time" in await client.until_closed()
        await live.until_empty()
        assert live.metrics.drops == {"silent": 1}


async def test_subscriptions_beyond_the_limit_are_refused_until_one_ends() -> None:
    async with live_relay(max_rooms=2) as live, live.watcher() as watcher:
        for name in ("one", "two", "two"):
            assert (await watcher.subscribe(name))["ok"] is True
        assert (await watcher.subscribe("three"))["code"] == "too_many_rooms"
        await watcher.call("unsubscribe", {"project_id": "one"})
        assert (await watcher.subscribe("three"))["ok"] is True


async def test_connections_of_one_user_beyond_the_limit_are_refused_until_one_ends() -> None:
    async with live_relay(max_user_connections=2) as live, live.watcher():
        async with live.watcher():
            assert await refusal(live) == {"code": "too_many_connections"}
        await until(lambda: live.relay.connections == 1)
        async with live.watcher() as watcher:
            assert (await watcher.subscribe(PROJECT))["ok"] is True
        assert live.metrics.refusals == {"too_many_connections": 1}


async def refusal(live: LiveRelay) -> Any:
    """The data of the connect error of a refused client."""
    error: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", error.set_result)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(live.url, transports=["websocket"])
    await client.shutdown()
    return (await error)["data"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_full_relay_refuses_new_clients_and_serves_connected_ones(transport: str) -> None:
    async with live_relay(max_connections=1) as live, live.watcher(transport) as watcher:
        async with httpx.AsyncClient(base_url=live.url) as http:
            answer = await http.get(POLLING)
        assert (answer.status_code, answer.json()["code"]) == (503, "full")
        assert int(answer.headers["retry-after"]) > 0
        with pytest.raises(InvalidStatus, match="503"):
            await connect(live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket")
        await watcher.subscribe(PROJECT)
        live.publish()
        await watcher.wait_for("agent_iteration")
        assert live.metrics.refusals == {"full": 2}


async def test_too_many_concurrent_requests_are_refused() -> None:
    async with live_relay() as live, live.watcher() as watcher:
        answers = await asyncio.gather(*(watcher.subscribe(PROJECT) for _ in range(60)))
        assert all(answer["ok"] for answer in answers)
        handlers = live.relay.sio.handlers["/"]
        (sid,) = live.sids
        waiting = await asyncio.gather(*(handlers["subscribe"](sid, {"project_id": PROJECT}) for _ in range(300)))
        assert {answer.get("code") for answer in waiting} == {None, "too_many_requests"}


async def test_polling_continues_after_a_failed_upgrade(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        for frames in (["4x"], ["2probe"], ["2probe", "3"], ["5"]):
            path = url.replace("transport=polling", "transport=websocket")
            async with RawWebSocket(live.address, path) as upgrade:
                for frame in frames:
                    await upgrade.send(frame)
            if frames == ["4x"]:
                assert (await http.get(url)).status_code in (200, 400)  # it may have been disconnected for it
                url = await open_polling(http)
        await asyncio.sleep(0.05)
        await http.post(url, content=f'421["subscribe",{{"project_id":"{PROJECT}"}}]')
        text = ""
        while "431[" not in text:
            text += (await http.get(url)).text
        live.publish()
        while "agent_iteration" not in text:
            text += (await http.get(url)).text
    assert "Traceback" not in caplog.text


async def test_disconnected_clients_leave_no_task() -> None:
    logging.getLogger("backend.relay").setLevel(logging.ERROR)
    async with live_relay() as live:
        async with live.watcher():
            pass
        await live.until_empty()
        await asyncio.sleep(0.05)
        before = len(asyncio.all_tasks())
        for transports in (["websocket"], ["polling"], ["polling", "websocket"]) * 3:
            client = socketio.AsyncClient(reconnection=False)
            await client.connect(live.url, transports=transports)
            assert (await client.call("subscribe", {"project_id": PROJECT}))["ok"] is True
            await client.disconnect()
            await client.shutdown()
        await live.until_empty()
        await until(lambda: len(asyncio.all_tasks()) <= before)
    logging.getLogger("backend.relay").setLevel(logging.NOTSET)

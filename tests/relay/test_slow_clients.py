"""Clients that do not read, or too slowly: pending bytes are limited, and replay completes them after a reconnect."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.identity import LocalAuthenticator
from tests.relay.live_relay import PROJECT, SESSION, MemoryLog, OpenAccess, live_relay, until
from tests.relay.malicious_client import open_polling
from tests.relay.raw_client import RawHttp, RawWebSocket
from tests.relay.room_fixtures import WAIT_SECONDS, numbers
from tests.watcher import Watcher

BOUND = 200_000
TEXT = "x" * 20_000


async def wait_for_events(watcher: Watcher, count: int) -> None:
    await watcher.wait_until(lambda: len(watcher.events) >= count)
    assert [event["seq"] for event in watcher.events] == numbers(1, count)


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_client_that_does_not_read_is_disconnected_and_others_get_every_event(*, fast_path: bool) -> None:
    async with (
        live_relay(fast_path=fast_path, max_client_bytes=BOUND) as live,
        live.watcher() as watcher,
        RawWebSocket(live.address) as stuck,
    ):
        await watcher.subscribe(PROJECT)
        await stuck.join(PROJECT)
        published = 0
        while not live.metrics.drops:
            live.publish(5, content=TEXT)
            published += 5
            await wait_for_events(watcher, published)
        assert live.metrics.drops == {"slow": 1}
        await until(lambda: live.relay.connections == 1)
        live.publish(5, content=TEXT)
        await wait_for_events(watcher, published + 5)


@pytest.mark.parametrize("fast_path", [True, False])
async def test_pending_bytes_of_a_client_exceed_the_limit_by_at_most_one_event(*, fast_path: bool) -> None:
    async with live_relay(fast_path=fast_path, max_client_bytes=BOUND) as live, RawWebSocket(live.address) as stuck:
        await stuck.join(PROJECT)
        (socket,) = live.relay.sio.eio.sockets.values()
        largest = 0
        async with asyncio.timeout(WAIT_SECONDS):
            while not live.metrics.drops:
                live.publish(content=TEXT)
                await asyncio.sleep(0.003)
                largest = max(largest, socket.buffered)
        assert BOUND / 2 < largest <= BOUND + 2 * len(TEXT)
        await until(lambda: socket.closed)
        assert socket.queue.bytes < 1_000


async def test_a_disconnected_client_gets_all_missed_events_when_it_reconnects() -> None:
    async with live_relay(max_client_bytes=BOUND) as live:
        async with RawWebSocket(live.address) as stuck:
            await stuck.join(PROJECT)
            async with asyncio.timeout(WAIT_SECONDS):
                while not live.metrics.drops:
                    live.publish(content=TEXT)
                    await asyncio.sleep(0.002)
        async with live.watcher() as again:
            last = len(live.log.sessions[SESSION])
            await again.subscribe(PROJECT, {SESSION: 0})
            await wait_for_events(again, last)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_replay_of_many_times_the_limit_does_not_disconnect_a_client_that_reads(transport: str) -> None:
    async with live_relay(max_client_bytes=BOUND) as live, live.watcher(transport) as watcher:
        for _ in range(300):
            live.log.append(content=TEXT)
        answer = await watcher.subscribe(PROJECT, {SESSION: 0})
        assert answer["last_seq"] == {SESSION: 300}
        await wait_for_events(watcher, 300)
        assert not live.metrics.drops


async def test_a_client_that_disconnects_during_a_replay_ends_it() -> None:
    async with live_relay(max_client_bytes=BOUND) as live:
        for _ in range(500):
            live.log.append(content=TEXT)
        async with RawWebSocket(live.address) as stuck:
            await stuck.send("40")
            await stuck.read_until(b"40{")
            await stuck.send(f'421["subscribe",{{"project_id":"{PROJECT}","after":{{"{SESSION}":0}}}}]')
            await stuck.read_until(b"agent_iteration")
        await live.until_empty()


async def test_a_polling_client_that_does_not_poll_is_disconnected() -> None:
    async with live_relay(max_client_bytes=BOUND) as live, httpx.AsyncClient(base_url=live.url) as http:
        url = await open_polling(http)
        await http.post(url, content=f'421["subscribe",{{"project_id":"{PROJECT}"}}]')
        await http.get(url)
        live.publish(20, content=TEXT)
        await until(lambda: live.metrics.drops)
        assert live.metrics.drops == {"slow": 1}
        await live.until_empty()


async def test_a_client_that_does_not_read_is_disconnected_on_another_http_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = RelaySettings(origins=(), max_client_bytes=BOUND)
    relay = Relay(LocalAuthenticator(), OpenAccess(), MemoryLog(), settings)
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})
    inbox.put_nowait({"type": "websocket.receive", "text": "40"})
    sent: list[str] = []

    async def send(message: Any) -> None:
        if (text := message.get("text")) is not None:
            sent.append(text)
            if not text.startswith(("0{", "40{")):
                await asyncio.Event().wait()

    scope = {"type": "websocket", "path": "/socket.io/", "query_string": b"EIO=4&transport=websocket"}
    headers = [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    serving = asyncio.create_task(relay.sio.handle_request(scope | {"headers": headers}, inbox.get, send))
    await until(lambda: len(sent) == 2)
    for _ in range(20):
        await relay.sio.emit("noise", TEXT)
    await asyncio.wait_for(serving, WAIT_SECONDS)
    assert relay.metrics.drops == {"slow": 1}
    assert relay.connections == 0
    assert caplog.text.count("default path") == 1
    await relay.sio.shutdown()


def _has_received(watcher: Watcher, count: int) -> bool:
    return len(watcher.events) >= count


@pytest.mark.parametrize("fast_path", [True, False])
async def test_pending_bytes_of_all_clients_are_limited_and_the_slowest_are_disconnected(
    caplog: pytest.LogCaptureFixture, *, fast_path: bool
) -> None:
    async with (
        live_relay(fast_path=fast_path, max_client_bytes=BOUND * 10, max_waiting_bytes=BOUND * 5) as live,
        AsyncExitStack() as stack,
    ):
        few = await stack.enter_async_context(RawWebSocket(live.address))
        await few.join("few")
        (least_pending,) = live.relay.sio.eio.sockets.values()
        stuck = [await stack.enter_async_context(RawWebSocket(live.address)) for _ in range(8)]
        for one in stuck:
            await one.join(PROJECT)
        watcher = await stack.enter_async_context(live.watcher())
        await watcher.subscribe(PROJECT)
        await watcher.subscribe("few")
        live.publish(10, "session of few", "few", content=TEXT)
        await watcher.wait_until(lambda: len(watcher.events) == 10)
        largest = 0
        async with asyncio.timeout(WAIT_SECONDS):
            while live.metrics.drops.total() < 4:
                live.publish(content=TEXT)
                published = 10 + len(live.log.sessions[SESSION])
                await watcher.wait_until(partial(_has_received, watcher, published))
                largest = max(largest, sum(socket.buffered for socket in live.relay.sio.eio.sockets.values()))
        assert set(live.metrics.drops) == {"memory"}
        assert BOUND < largest <= BOUND * 5 + len(stuck) * 2 * len(TEXT)
        assert not least_pending.dropped
        assert "A client was disconnected: memory" in caplog.text
    assert live.relay.sio._rules.budget.total == 0


async def test_unread_responses_to_polls_count_as_pending() -> None:
    # Each response is larger than the socket buffers of the operating system.
    large, bound = "x" * 500_000, 20_000_000
    async with live_relay(max_client_bytes=bound) as live, httpx.AsyncClient(base_url=live.url) as http:
        url = await open_polling(http)
        await http.post(url, content=f'421["subscribe",{{"project_id":"{PROJECT}"}}]')
        await http.get(url)
        (socket,) = live.relay.sio.eio.sockets.values()
        async with AsyncExitStack() as stack, asyncio.timeout(WAIT_SECONDS):
            while not live.metrics.drops:
                assert socket.buffered <= bound
                live.publish(16, content=large)
                await until(lambda: not socket.queue.empty() or socket.dropped)
                unread = await stack.enter_async_context(RawHttp(live.address))
                await unread.send_bytes(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                await until(lambda: socket.queue.empty() or socket.dropped)
            await live.until_empty()
        assert live.metrics.drops == {"slow": 1}


async def test_concurrent_replays_wait_for_each_other_and_disconnect_no_client_that_reads() -> None:
    bound = BOUND * 4
    async with live_relay(max_client_bytes=bound, max_waiting_bytes=bound) as live, AsyncExitStack() as stack:
        for _ in range(100):
            live.log.append(content=TEXT)
        watchers = [await stack.enter_async_context(live.watcher()) for _ in range(12)]
        answers = await asyncio.gather(*(watcher.subscribe(PROJECT, {SESSION: 0}) for watcher in watchers))
        assert all(answer["last_seq"] == {SESSION: 100} for answer in answers)
        for watcher in watchers:
            await wait_for_events(watcher, 100)
        assert not live.metrics.drops

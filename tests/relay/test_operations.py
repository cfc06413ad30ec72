"""Metrics, refusals and draining of the relay."""

import asyncio
import json
import time
from collections import Counter

import httpx
import pytest
import socketio

from backend.app.domain.storage_errors import StorageFullError
from backend.relay.aws.emf import Occupancy, report
from backend.relay.metrics import RelayMetrics
from tests.relay.live_relay import PROJECT, SESSION, live_relay, until


def test_reset_metrics_equal_new_ones() -> None:
    metrics = RelayMetrics()
    drops = metrics.drops
    for name, value in vars(metrics).items():
        setattr(metrics, name, Counter(slow=1) if isinstance(value, Counter) else 7)
    metrics.reset()
    assert metrics == RelayMetrics()
    assert metrics.drops is not drops


async def test_every_request_of_a_closed_connection_is_refused() -> None:
    async with live_relay() as live:
        subscribe = live.relay.sio.handlers["/"]["subscribe"]
        answers = await asyncio.gather(*(subscribe(f"closed-{number}", {"project_id": "p"}) for number in range(300)))
    assert {answer["code"] for answer in answers} == {"disconnected"}


def test_a_report_has_every_metric_and_resets_them(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = RelayMetrics(events=3, malformed=1, lag_seconds=0.25, deliveries=30, gaps_filled=2, log_reads=4)
    metrics.count_flush(5)
    metrics.count_flush(2)
    metrics.drops["slow"] += 2
    metrics.refusals.update({"full": 1, "leaving": 2})
    report(metrics, Occupancy(connections=7, rooms=2))
    reported = json.loads(capsys.readouterr().out)
    expected = {
        "Connections": 7,
        "Rooms": 2,
        "EventsReceived": 3,
        "MalformedMessages": 1,
        "EventLag": 250,
        "Deliveries": 30,
        "ClientsDropped": 2,
        "ConnectionsRefused": 3,
        "ConnectionsRefusedFull": 1,
        "GapsFilled": 2,
        "LogReads": 4,
        "FlushSize": 3.5,
        "LargestFlush": 5,
    }
    assert {name: reported[name] for name in expected} == {name: [value] for name, value in expected.items()}
    assert (reported["dropped"], reported["refused"]) == ({"slow": 2}, {"full": 1, "leaving": 2})
    assert metrics == RelayMetrics()


async def test_a_subscription_is_refused_when_the_log_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live, live.watcher() as watcher:
        live.log.is_broken = True
        assert (await watcher.subscribe(PROJECT, {SESSION: 0}))["code"] == "internal_error"
        assert "Traceback" in caplog.text
        assert not live.relay.rooms
        live.log.is_broken = False
        assert (await watcher.subscribe(PROJECT, {SESSION: 0}))["ok"]
        live.publish()
        await watcher.wait_for("agent_iteration", 1)


async def test_a_subscription_is_refused_with_the_reason_when_the_store_is_unavailable(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StorageFullError("SQLITE_FULL")

    async with live_relay() as live, live.watcher() as watcher:
        monkeypatch.setattr(live.log, "read_last_seqs", refuse)
        answer = await watcher.subscribe(PROJECT, {SESSION: 0})
        assert answer["code"] == "storage_unavailable"
        assert "server's disk is full" in answer["detail"]
        assert "Traceback" not in caplog.text
        monkeypatch.undo()
        assert (await watcher.subscribe(PROJECT, {SESSION: 0}))["ok"]


async def test_a_draining_relay_refuses_new_clients_and_its_own_reconnect_elsewhere_and_miss_nothing() -> None:
    async with live_relay() as other:
        client, received = socketio.AsyncClient(reconnection=False), []
        disconnected = asyncio.Event()
        client.on("disconnect", disconnected.set)
        client.on("agent_iteration", lambda event: received.append(event["seq"]))
        async with live_relay(other.log) as draining:
            await client.connect(draining.url, transports=["websocket"])
            await client.call("subscribe", {"project_id": PROJECT})
            draining.publish(3)
            await until(lambda: len(received) == 3)
            await draining.relay.drain_clients(1.0)
            async with httpx.AsyncClient(base_url=draining.url) as http:
                answer = await http.get("/socket.io/?EIO=4&transport=polling")
            assert (answer.status_code, answer.json()["code"]) == (503, "leaving")
            await asyncio.wait_for(disconnected.wait(), 5)
        other.log.append()
        await client.connect(other.url, transports=["websocket"])
        await client.call("subscribe", {"project_id": PROJECT, "after": {SESSION: received[-1]}})
        assert received == [1, 2, 3, 4]
        await client.disconnect()
        await client.shutdown()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_clients_are_drained_one_after_the_other(transport: str) -> None:
    async with live_relay() as live:
        watchers = [live.watcher(transport) for _ in range(20)]
        for watcher in watchers:
            await watcher.__aenter__()
        began = time.monotonic()
        await live.relay.drain_clients(10.0)
        assert 0.05 < time.monotonic() - began < 3
        await until(lambda: not any(watcher.client.connected for watcher in watchers))
        await until(lambda: live.relay.connections == 0)
        for watcher in watchers:
            await watcher.client.shutdown()

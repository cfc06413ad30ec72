"""The relay's process over moto: health, delivery of events, and shutdown."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
import socketio

from tests.moto_server import Moto
from tests.relay.aws_topic import PREFIX, Topic, iteration, new_task_id
from tests.relay.ecs_metadata import ecs_metadata
from tests.relay.relay_cloud import Cloud, new_cloud, until_ready
from tests.watcher import WAIT_SECONDS, Watcher

ORIGIN = "https://app.example"


@pytest.fixture
def cloud(moto: Moto, topic: Topic) -> Iterator[Cloud]:
    with new_cloud(moto, topic) as cloud:
        yield cloud


async def test_published_events_reach_clients_once_the_relay_is_ready(cloud: Cloud) -> None:
    project_id = cloud.new_project()
    with cloud.relay(drain_seconds="1") as relay:
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{relay.url}/healthz")).json() == {"status": "alive"}
            assert (await http.get(f"{relay.url}/projects")).status_code == 404
        await until_ready(relay.url)
        async with cloud.watcher(relay.url) as one, cloud.watcher(relay.url, transports=("polling",)) as other:
            for watcher in (one, other):
                assert (await watcher.subscribe(project_id))["ok"] is True
            await cloud.topic.publish(*[iteration(seq, project_id, content=f"né {seq}") for seq in range(1, 21)])
            for watcher in (one, other):
                events = await watcher.wait_for("agent_iteration", 20)
                assert [(event["seq"], event["content"]) for event in events] == [
                    (seq, f"né {seq}") for seq in range(1, 21)
                ]


async def test_two_relays_with_their_own_queues_send_every_event_to_their_clients(cloud: Cloud) -> None:
    project_id = cloud.new_project()
    with cloud.relay() as first, cloud.relay() as second:
        await asyncio.gather(until_ready(first.url), until_ready(second.url))
        assert len(cloud.queues()) == 2
        async with cloud.watcher(first.url) as one, cloud.watcher(second.url) as other:
            for watcher in (one, other):
                assert (await watcher.subscribe(project_id))["ok"] is True
            await cloud.topic.publish(*[iteration(seq, project_id) for seq in range(1, 6)])
            for watcher in (one, other):
                assert [event["seq"] for event in await watcher.wait_for("agent_iteration", 5)] == [1, 2, 3, 4, 5]
    assert cloud.queues() == []


async def test_a_relay_that_receives_no_probe_is_alive_but_not_ready(cloud: Cloud) -> None:
    with (
        cloud.relay(topic_arn="arn:aws:sns:us-east-1:123456789012:missing.fifo") as relay,
        ThreadPoolExecutor(1) as threads,
    ):
        async with httpx.AsyncClient() as http, asyncio.timeout(WAIT_SECONDS):
            while "cannot be received" not in relay.output:
                assert (await http.get(f"{relay.url}/healthz")).status_code == 200
                assert (await http.get(f"{relay.url}/readyz")).status_code == 503
        assert await asyncio.get_running_loop().run_in_executor(threads, relay.stop) == 0


async def test_a_relays_queue_is_named_after_its_ecs_task(cloud: Cloud) -> None:
    task_id = new_task_id()
    with ecs_metadata(task_id) as metadata, cloud.relay(metadata_uri=metadata.uri) as relay:
        await until_ready(relay.url)
        assert [url.rsplit("/", 1)[-1] for url in cloud.queues()] == [f"{PREFIX}{task_id}.fifo"]


async def test_a_stopped_relay_drains_its_clients_and_removes_its_queue(cloud: Cloud) -> None:
    project_id = cloud.new_project()
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = str(chosen.getsockname()[1])
    connected: asyncio.Queue[str] = asyncio.Queue()
    received: asyncio.Queue[int] = asyncio.Queue()
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.2)
    client.on("connect", lambda: connected.put_nowait("connected"))
    client.on("agent_iteration", lambda event: received.put_nowait(event["seq"]))
    with ExitStack() as stack:
        first = stack.enter_context(cloud.relay(port=port))
        await until_ready(first.url)
        await client.connect(first.url, transports=["websocket"], auth={"token": cloud.issuer.token("ann")})
        await connected.get()
        begun = time.monotonic()
        assert await asyncio.to_thread(first.stop) == 0
        # Shorter than the long poll in progress.
        assert time.monotonic() - begun < 15
        assert cloud.queues() == []
        assert cloud.topic.subscriptions() == []
        second = stack.enter_context(cloud.relay(port=port))
        await until_ready(second.url)
        async with asyncio.timeout(WAIT_SECONDS):
            await connected.get()
            assert (await client.call("subscribe", {"project_id": project_id}))["ok"] is True
            await cloud.topic.publish(iteration(1, project_id))
            assert await received.get() == 1
        await client.disconnect()
        await client.shutdown()


def test_a_relay_that_is_stopped_while_it_starts_leaves_no_queue(cloud: Cloud) -> None:
    with cloud.relay() as relay:
        assert relay.stop() == 0
    assert cloud.queues() == []
    assert cloud.topic.subscriptions() == []


async def test_clients_without_access_or_with_an_invalid_token_are_refused(cloud: Cloud) -> None:
    project_id = cloud.new_project(owner="bob")
    with cloud.relay(origins=ORIGIN) as relay:
        async with cloud.watcher(relay.url) as stranger:
            assert (await stranger.subscribe(project_id))["code"] == "project_not_found"
        with pytest.raises(socketio.exceptions.ConnectionError):
            await Watcher(relay.url, auth={"token": "secret-token"}).__aenter__()
        async with httpx.AsyncClient() as http:
            handshake = f"{relay.url}/socket.io/?EIO=4&transport=polling"
            assert (await http.get(handshake, headers={"Origin": ORIGIN})).status_code == 200
            assert (await http.get(handshake, headers={"Origin": "https://evil.example"})).status_code == 400
    assert "secret-token" not in relay.output


async def test_logs_and_metrics_are_json_without_content_of_events(cloud: Cloud) -> None:
    project_id = cloud.new_project()
    with cloud.relay() as relay:
        await until_ready(relay.url)
        async with cloud.watcher(relay.url) as watcher:
            await watcher.subscribe(project_id)
            await cloud.topic.publish(iteration(1, project_id, content="secret"))
            await watcher.wait_for("agent_iteration")
            cloud.topic.publish_raw("secret")
            await cloud.topic.publish(iteration(2, project_id, content="secret"))
            await watcher.wait_for("agent_iteration", 2)
    lines = [json.loads(line) for line in relay.output.splitlines()]
    assert [line["level"] for line in lines if "level" in line].count("WARNING") == 2  # no ECS; no event
    (metrics,) = [line for line in lines if "_aws" in line]
    assert (metrics["EventsReceived"], metrics["MalformedMessages"]) == ([2.0], [1.0])
    assert 0 <= metrics["EventLag"][0] < 20_000
    assert metrics["stack"] == "vibewire"
    assert "secret" not in relay.output

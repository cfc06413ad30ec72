"""A server that goes down with work in hand goes on with it when it is started again on the same data."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.integration.talk import (
    AGENTS,
    Json,
    Servers,
    check_log,
    log_of,
    messages_in,
    messages_of,
    model_server,
    queue,
    send,
    start_session,
    until_called,
    vibewire_server,
)
from tests.watcher import Watcher

pytestmark = pytest.mark.long

PROMPTS = [f"Create a {name} agent" for name in AGENTS[:4]]
QUESTION = "Which agents are there?"


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    # Slow enough that a kill at an event hits what comes after it.
    with model_server(pace=0.01) as model:
        yield model.url


@dataclass(frozen=True)
class Started:
    """A server with a client and a watcher."""

    servers: Servers
    http: httpx.AsyncClient
    watcher: Watcher


@asynccontextmanager
async def started(data_dir: Path, model_url: str) -> AsyncIterator[Started]:
    """Vibewire on the data folder; stopped in good order where the test has not done it."""
    with vibewire_server(data_dir, model_url) as process:
        servers = Servers(process.url, model_url.removesuffix("/v1"), process)
        async with httpx.AsyncClient(base_url=process.url, timeout=40) as http, Watcher(process.url) as watcher:
            yield Started(servers, http, watcher)
    assert "Traceback" not in process.output, process.output


async def queue_all(server: Started) -> Json:
    """A session in which all prompts wait for their answers."""
    session = await start_session(server.http)
    await server.watcher.subscribe(session["project_id"])
    for prompt in PROMPTS:
        await queue(server.http, session["session_id"], prompt)
    return session


async def check_all_answered(server: Started, session: Json) -> list[Json]:
    """Wait until all is answered: once, in order, one code version each, remembered once. The messages."""
    session_id = session["session_id"]
    await server.watcher.subscribe(session["project_id"], {session_id: 0})
    await server.watcher.wait_for("vibecode_response", len(PROMPTS))
    messages = await messages_of(server.http, session_id)
    assert [message["prompt"] for message in messages] == PROMPTS
    assert {message["status"] for message in messages} == {"completed"}
    assert [message["version"] for message in messages] == list(range(2, len(PROMPTS) + 2))
    events = await log_of(server.http, session_id)
    check_log(events)
    assert events == server.watcher.logged()
    assert messages_in(events, "vibecode_response") == [message["message_id"] for message in messages]
    for message in messages:
        usage = [
            event for event in events if (event["type"], event["message_id"]) == ("token_usage", message["message_id"])
        ]
        assert sum(event["total_tokens"] for event in usage) == message["token_usage"]["total_tokens"]
    project = (await server.http.get(f"/projects/{session['project_id']}")).json()
    assert project["version"] == len(PROMPTS) + 1
    names = [node["name"] for node in project["nodes"]]
    assert [names.count(f"{name}_agent") for name in AGENTS[: len(PROMPTS)]] == [1] * len(PROMPTS)
    assert (await send(server.http, session_id, QUESTION))["status"] == "completed"
    remembered = (await server.servers.last_request())["input"]
    assert [item["content"] for item in remembered if item.get("role") == "user"] == [*PROMPTS, QUESTION]
    return messages


def lease_of(data_dir: Path, message_id: str) -> datetime | None:
    """Until when the running message belongs to a worker, as the store of a server that is down has it."""
    with closing(sqlite3.connect(data_dir / "vibewire.sqlite")) as connection:
        query = "SELECT lease_until FROM messages WHERE message_id = ? AND status = 'running'"
        row = connection.execute(query, (message_id,)).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


async def everything_of(server: Started, message: Json) -> list[Json]:
    """All that can be read of a message, its session and its project."""
    paths = [
        f"/projects/{message['project_id']}",
        f"/projects/{message['project_id']}/versions",
        f"/projects/{message['project_id']}/sessions",
        f"/sessions/{message['session_id']}/messages",
        f"/sessions/{message['session_id']}/events",
        f"/messages/{message['message_id']}/full",
    ]
    return [(await server.http.get(path)).json() for path in paths]


async def test_a_server_that_is_killed_goes_on_with_what_ran_and_what_waited(tmp_path: Path, model_url: str) -> None:
    async with started(tmp_path, model_url) as server:
        calls = (await server.servers.counts())["calls"]
        await server.servers.plan_faults({"kind": "stall", "skip": 1})
        session = await queue_all(server)
        await until_called(server.servers, calls + 2)
        server.servers.process.kill()
        await server.servers.drop_faults()
    async with started(tmp_path, model_url) as server:
        messages = await check_all_answered(server, session)
    assert [message["attempt"] for message in messages] == [2, 1, 1, 1]


async def test_a_server_that_is_killed_and_then_stopped_answers_each_message_once(
    tmp_path: Path, model_url: str
) -> None:
    async with started(tmp_path, model_url) as server:
        done = await send(server.http, (await start_session(server.http))["session_id"], PROMPTS[0])
        deleted = await start_session(server.http, done["project_id"], "deleted")
        await server.http.delete(f"/sessions/{deleted['session_id']}")
        before = await everything_of(server, done)
        session = await queue_all(server)
        await server.watcher.wait_for("agent_iteration")
        server.servers.process.kill()
    async with started(tmp_path, model_url) as server:
        await server.watcher.subscribe(session["project_id"], {session["session_id"]: 0})
        await server.watcher.wait_for("vibecode_response", 2)
        server.servers.process.stop()
    async with started(tmp_path, model_url) as server:
        await check_all_answered(server, session)
        # What was over before is as it was.
        assert await everything_of(server, done) == before
        assert (await server.http.get(f"/sessions/{deleted['session_id']}")).status_code == 404
        ack = await server.watcher.subscribe(done["project_id"], {deleted["session_id"]: 0})
        assert (ack["deleted"], ack["truncated"]) == ([deleted["session_id"]], [])
        assert "triage" in (await send(server.http, done["session_id"], "Make it Spanish"))["content"].lower()


async def test_a_server_that_is_stopped_lets_go_of_its_turn_at_once(tmp_path: Path, model_url: str) -> None:
    async with started(tmp_path, model_url) as server:
        calls = (await server.servers.counts())["calls"]
        await server.servers.plan_faults({"kind": "stall"})
        session = await start_session(server.http)
        message = await queue(server.http, session["session_id"], QUESTION)
        await until_called(server.servers, calls + 1)
        server.servers.process.stop()
        await server.servers.drop_faults()
    lease = lease_of(tmp_path, message["message_id"])
    assert lease is not None
    assert lease <= datetime.now(UTC)

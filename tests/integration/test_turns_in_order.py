"""Turns of one session run one at a time, in the order of their messages; sessions do not wait for each other."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

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
    own_servers,
    queue,
    send,
    start_session,
    until_called,
)
from tests.watcher import Watcher

QUESTION = "Which agents are there?"
QUEUED = 20


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with own_servers(tmp_path_factory.mktemp("order")) as servers:
        yield servers


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url


async def hold_up(servers: Servers, http: httpx.AsyncClient, session_id: str) -> Json:
    """A message of the session that runs until it is cancelled."""
    calls = (await servers.counts())["calls"]
    await servers.plan_faults({"kind": "stall"})
    message = await queue(http, session_id, QUESTION)
    await until_called(servers, calls + 1)
    return message


async def test_a_message_that_comes_while_another_runs_waits_and_is_answered_after_it(
    servers: Servers, http: httpx.AsyncClient, watcher: Watcher
) -> None:
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    first = await hold_up(servers, http, session["session_id"])
    second = await queue(http, session["session_id"], "Create a triage agent")
    assert second["status"] == "queued"
    now = (await http.get(f"/messages/{first['message_id']}")).json()
    assert (now["status"], now["attempt"]) == ("running", 1)
    assert messages_in(watcher.events, "message_started") == [first["message_id"]]
    await http.post(f"/messages/{first['message_id']}/cancel")
    await watcher.wait_for("vibecode_response")
    assert [message["status"] for message in await messages_of(http, session["session_id"])] == [
        "cancelled",
        "completed",
    ]
    assert messages_in(watcher.events, "message_started") == [first["message_id"], second["message_id"]]
    check_log(watcher.logged())


async def test_many_messages_are_answered_in_the_order_they_were_accepted(
    http: httpx.AsyncClient, watcher: Watcher
) -> None:
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    queued = [await queue(http, session["session_id"], f"Create a {name} agent") for name in AGENTS]
    assert [message["number"] for message in queued] == list(range(1, len(AGENTS) + 1))
    await watcher.wait_for("code_changed", len(AGENTS))
    ids = [message["message_id"] for message in queued]
    for name in ("message_queued", "message_started", "vibecode_response"):
        assert messages_in(watcher.events, name) == ids
    assert [event["version"] for event in watcher.received("vibecode_response")] == list(range(2, len(AGENTS) + 2))
    assert [event["version"] for event in watcher.received("code_changed")] == list(range(2, len(AGENTS) + 2))
    check_log(watcher.logged())
    project = (await http.get(f"/projects/{session['project_id']}")).json()
    assert {f"{name}_agent" for name in AGENTS} <= {node["name"] for node in project["nodes"]}


async def test_messages_sent_at_the_same_time_are_answered_in_the_order_of_their_numbers(
    http: httpx.AsyncClient, watcher: Watcher
) -> None:
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    sent = await asyncio.gather(*(queue(http, session["session_id"], f"{QUESTION} {n}") for n in range(15)))
    by_number = [message["message_id"] for message in sorted(sent, key=lambda message: int(message["number"]))]
    await watcher.wait_for("vibecode_response", 15)
    assert messages_in(watcher.events, "vibecode_response") == by_number
    assert sorted(message["number"] for message in sent) == list(range(1, 16))
    check_log(watcher.logged())


async def test_the_21st_waiting_message_is_refused_and_changes_nothing(
    servers: Servers, http: httpx.AsyncClient, watcher: Watcher
) -> None:
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    running = await hold_up(servers, http, session["session_id"])
    waiting = [await queue(http, session["session_id"], f"{QUESTION} {number}") for number in range(QUEUED)]
    assert {message["status"] for message in waiting} == {"queued"}
    refused = await http.post(f"/sessions/{session['session_id']}/messages", json={"prompt": "One more"})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["code"], problem["session_id"]) == ("too_many_queued_messages", session["session_id"])
    # One that waits already is not one more.
    again = await queue(http, session["session_id"], waiting[0]["prompt"], waiting[0]["message_id"])
    assert again["number"] == waiting[0]["number"]
    await http.post(f"/messages/{running['message_id']}/cancel")
    await watcher.wait_for("vibecode_response", QUEUED)
    assert messages_in(watcher.events, "vibecode_response") == [message["message_id"] for message in waiting]
    assert (await http.get(f"/sessions/{session['session_id']}")).json()["message_count"] == QUEUED + 1
    assert (await send(http, session["session_id"], QUESTION))["number"] == QUEUED + 2


async def test_a_session_does_not_wait_for_another_one_of_its_project(
    servers: Servers, http: httpx.AsyncClient, watcher: Watcher
) -> None:
    held_up = await start_session(http)
    other = await start_session(http, held_up["project_id"], "triage_agent")
    await watcher.subscribe(held_up["project_id"])
    running = await hold_up(servers, http, held_up["session_id"])
    assert (await send(http, other["session_id"], QUESTION))["status"] == "completed"
    assert (await http.get(f"/messages/{running['message_id']}")).json()["status"] == "running"
    await http.post(f"/messages/{running['message_id']}/cancel")
    await watcher.wait_for("message_cancelled")


async def test_events_of_sessions_that_run_at_the_same_time_never_mix(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = await start_session(http), await start_session(http)
    sessions = [first, second, await start_session(http, first["project_id"], "triage_agent")]
    turns = 4
    async with Watcher(servers.url) as one, Watcher(servers.url) as two:
        await one.subscribe(first["project_id"])
        await two.subscribe(second["project_id"])
        sent = await asyncio.gather(
            *(queue(http, session["session_id"], f"{QUESTION} {n}") for n in range(turns) for session in sessions)
        )
        await one.wait_for("vibecode_response", 2 * turns)
        await two.wait_for("vibecode_response", turns)
    assert {event["project_id"] for event in one.events} == {first["project_id"]}
    assert {event["project_id"] for event in two.events} == {second["project_id"]}
    session_of = {message["message_id"]: message["session_id"] for message in sent}
    received = [event for event in one.events + two.events if event["message_id"] is not None]
    assert all(session_of[event["message_id"]] == event["session_id"] for event in received)
    for session in sessions:
        events = [event for event in one.logged() + two.logged() if event["session_id"] == session["session_id"]]
        check_log(events)
        assert events == await log_of(http, session["session_id"])


async def test_sessions_that_change_the_code_at_the_same_time_all_land(
    servers: Servers, http: httpx.AsyncClient, watcher: Watcher
) -> None:
    first = await start_session(http)
    second = await start_session(http, first["project_id"], "billing_agent")
    await watcher.subscribe(first["project_id"])
    await asyncio.gather(
        queue(http, first["session_id"], "Create a triage agent"),
        queue(http, second["session_id"], "Create a refund agent"),
    )
    await watcher.wait_for("vibecode_response", 2)
    project = (await http.get(f"/projects/{first['project_id']}")).json()
    assert project["version"] == 3
    assert {"triage_agent", "refund_agent"} <= {node["name"] for node in project["nodes"]}


@pytest.mark.parametrize("by", ["message_id", "Idempotency-Key"])
async def test_the_same_message_sent_twice_runs_once(http: httpx.AsyncClient, watcher: Watcher, by: str) -> None:
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    path, name = f"/sessions/{session['session_id']}/messages", str(uuid4())
    headers = {"Idempotency-Key": name} if by == "Idempotency-Key" else {}

    def body(prompt: str) -> Json:
        return {"prompt": prompt} | ({"message_id": name} if by == "message_id" else {})

    at_once = await asyncio.gather(*(http.post(path, json=body(QUESTION), headers=headers) for _ in range(6)))
    later = await http.post(path, json=body(QUESTION), headers=headers)
    assert {answer.status_code for answer in at_once} == {200}
    assert all(answer.json() == later.json() for answer in at_once)
    assert later.json()["status"] == "completed"
    other = await http.post(path, json=body("Create a triage agent"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "message_id_conflict")
    await send(http, session["session_id"], QUESTION)
    await watcher.wait_for("vibecode_response", 2)
    for event in ("message_queued", "message_started", "vibecode_response"):
        assert messages_in(watcher.events, event).count(later.json()["message_id"]) == 1
    assert (await http.get(f"/sessions/{session['session_id']}")).json()["message_count"] == 2

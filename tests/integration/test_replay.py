"""Clients that come late, or go and come back, get what they missed: once, in order, before the acknowledgement."""

import asyncio

import httpx
import pytest

from tests.integration.talk import Json, log_of, queue, send, start_session
from tests.watcher import Watcher

QUESTION = "Which agents are there?"


async def test_a_watcher_that_left_gets_each_event_once_when_it_comes_back(
    http: httpx.AsyncClient, server_url: str, project_id: str, session_id: str
) -> None:
    async with Watcher(server_url) as before:
        await before.subscribe(project_id)
        await send(http, session_id, QUESTION)
        await before.wait_for("vibecode_response")
    await send(http, session_id, QUESTION)
    async with Watcher(server_url) as after:
        ack = await after.subscribe(project_id, {session_id: before.logged()[-1]["seq"]})
        assert ack["truncated"] == ack["deleted"] == []
        await send(http, session_id, QUESTION)
        await after.wait_for("vibecode_response", 2)
    assert before.logged() + after.logged() == await log_of(http, session_id)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_watcher_that_comes_and_goes_in_the_middle_of_turns_gets_each_event_once(
    http: httpx.AsyncClient, server_url: str, project_id: str, session_id: str, transport: str
) -> None:
    for _ in range(6):
        await queue(http, session_id, QUESTION)
    received: list[Json] = []
    while sum(event["type"] == "vibecode_response" for event in received) < 6:
        async with Watcher(server_url, transports=(transport,)) as watcher:
            await watcher.subscribe(project_id, {session_id: len(received)})
            await watcher.wait_until(lambda watcher=watcher: len(watcher.logged()) >= 1)  # type: ignore[misc]
        received += watcher.logged()
    assert received == await log_of(http, session_id)


async def test_many_watchers_that_come_during_a_turn_all_get_the_same(
    http: httpx.AsyncClient, server_url: str, project_id: str, session_id: str
) -> None:
    async def watch() -> list[Json]:
        async with Watcher(server_url) as watcher:
            ack = await watcher.subscribe(project_id, {session_id: 0})
            assert len(watcher.logged()) >= ack["last_seq"][session_id]
            await watcher.wait_for("vibecode_response", 4)
            return watcher.logged()

    for _ in range(4):
        await queue(http, session_id, QUESTION)
    received = await asyncio.gather(*(watch() for _ in range(10)))
    assert received == [await log_of(http, session_id)] * 10


async def test_a_late_watcher_gets_the_complete_history_before_the_acknowledgement(
    http: httpx.AsyncClient, server_url: str, project_id: str, session_id: str
) -> None:
    await send(http, session_id, "Create a triage agent, but reject once")
    await send(http, session_id, QUESTION)
    log = await log_of(http, session_id)
    async with Watcher(server_url) as late:
        ack = await late.subscribe(project_id, {session_id: 0})
        assert late.events == log
    assert ack == {
        "ok": True,
        "room": f"project_{project_id}",
        "version": 1,
        "last_seq": {session_id: len(log)},
        "truncated": [],
        "deleted": [],
    }


async def test_a_late_watcher_gets_the_histories_of_all_sessions_it_names(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    node = (await start_session(http, project_id, "triage_agent"))["session_id"]
    silent = (await start_session(http, project_id, "billing_agent"))["session_id"]
    for each in (session_id, node):
        await send(http, each, QUESTION)
    ack = await watcher.subscribe(project_id, {session_id: 0, node: 2, silent: 0})
    assert [event for event in watcher.events if event["session_id"] == session_id] == await log_of(http, session_id)
    assert [event for event in watcher.events if event["session_id"] == node] == (await log_of(http, node))[2:]
    last_seq = {each: len(await log_of(http, each)) for each in (session_id, node, silent)}
    assert ack["last_seq"] == last_seq


async def test_the_last_number_is_acknowledged_without_replay_too(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    await send(http, session_id, QUESTION)
    ack = await watcher.subscribe(project_id)
    session = (await http.get(f"/sessions/{session_id}")).json()
    assert ack["last_seq"] == {session_id: session["last_seq"]}
    assert watcher.events == []


async def test_the_log_over_http_equals_what_the_socket_delivered(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    await watcher.subscribe(project_id)
    await send(http, session_id, "Create a triage agent, but reject once")
    await send(http, session_id, QUESTION)
    await watcher.wait_for("vibecode_response", 2)
    assert watcher.logged() == await log_of(http, session_id)
    page = (await http.get(f"/sessions/{session_id}/events?after=3&limit=2")).json()
    assert page["events"] == watcher.logged()[3:5]
    assert (page["last_seq"], page["truncated"]) == (len(watcher.logged()), False)


async def test_what_cannot_be_replayed_is_named(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    foreign = await start_session(http)
    await send(http, foreign["session_id"], QUESTION)
    await send(http, session_id, QUESTION)
    after = {foreign["session_id"]: 0, "unknown": 3, session_id: 99}
    ack = await watcher.subscribe(project_id, after)
    assert ack["ok"] is True
    assert set(ack["truncated"]) == set(after)
    assert set(ack["last_seq"]) == {session_id}
    assert watcher.events == []
    await send(http, session_id, QUESTION)
    await watcher.wait_for("vibecode_response")
    assert watcher.logged()[0]["seq"] == ack["last_seq"][session_id] + 1


async def test_a_deleted_session_is_broadcast_to_the_room_and_named_to_later_subscribers(
    http: httpx.AsyncClient, watcher: Watcher, server_url: str, project_id: str, session_id: str
) -> None:
    await watcher.subscribe(project_id)
    await send(http, session_id, QUESTION)
    await http.delete(f"/sessions/{session_id}")
    deleted = await watcher.wait_for("session_deleted")
    assert (deleted[0]["session_id"], deleted[0]["seq"]) == (session_id, len(watcher.logged()))
    async with Watcher(server_url) as late:
        ack = await late.subscribe(project_id, {session_id: 0})
        assert (ack["deleted"], ack["truncated"], ack["last_seq"]) == ([session_id], [], {})
        assert late.logged() == []
        # Its key is free immediately: the new session has a log of its own.
        afresh = (await start_session(http, project_id))["session_id"]
        await send(http, afresh, QUESTION)
        await late.wait_for("vibecode_response")
        assert [event["seq"] for event in late.logged()] == list(range(1, len(late.logged()) + 1))
    assert (await http.get(f"/sessions/{session_id}/events")).status_code == 404


async def test_a_session_that_is_deleted_in_the_middle_of_its_turn_is_silent_from_then_on(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    await watcher.subscribe(project_id)
    for _ in range(3):
        await queue(http, session_id, "Create a triage agent")
    await watcher.wait_for("token_usage")
    await http.delete(f"/sessions/{session_id}")
    await watcher.wait_for("session_deleted")
    afresh = (await start_session(http, project_id))["session_id"]
    await send(http, afresh, QUESTION)
    await watcher.wait_until(lambda: watcher.events[-1]["type"] == "vibecode_response")
    of_deleted = [event for event in watcher.events if event["session_id"] == session_id]
    assert of_deleted[-1]["type"] == "session_deleted"
    assert [event["type"] for event in of_deleted].count("session_deleted") == 1


async def test_ids_in_upper_case_subscribe_to_the_same_room_and_replay(
    http: httpx.AsyncClient, server_url: str, project_id: str, session_id: str
) -> None:
    await send(http, session_id, QUESTION)
    async with Watcher(server_url) as watcher:
        ack = await watcher.subscribe(project_id.upper(), {session_id.upper(): 0})
        assert (ack["room"], set(ack["last_seq"])) == (f"project_{project_id}", {session_id})
        assert watcher.logged() == await log_of(http, session_id)
        await send(http, session_id, QUESTION)
        await watcher.wait_for("vibecode_response", 2)

"""What is no subscription gets a clear answer and the socket lives on; too much harms its own socket alone."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.talk import send, start_session
from tests.watcher import Watcher

PROMPT = "Which agents are there?"
NULL = (None,)  # python-socketio sends a tuple's items as arguments
NO_SUBSCRIPTIONS: dict[str, tuple[Any, ...]] = {
    "nothing": (),
    "null": (NULL,),
    "a list": ([],),
    "a list with a project": (["PROJECT"],),
    "a string": ("PROJECT",),
    "a number": (3,),
    "true": (True,),
    "bytes": (b"\x00\xff",),
    "an empty object": ({},),
    "extra fields": ({"project_id": "PROJECT", "token": "t"},),
    "two arguments": ({"project_id": "PROJECT"}, {"project_id": "PROJECT"}),
    "a project id of null": ({"project_id": None},),
    "a project id that is a number": ({"project_id": 3},),
    "an empty project id": ({"project_id": ""},),
    "a project id of 10,000 characters": ({"project_id": "p" * 10_000},),
    "a project id that is half a character": ({"project_id": "\ud800"},),
}
NO_AFTER: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a string": "1",
    "a negative number": {"session": -1},
    "a float": {"session": 1.5},
    "an integral float": {"session": 1.0},
    "a number beyond all": {"session": 2**60},
    "a string for a number": {"session": "1"},
    "true for a number": {"session": True},
    "null for a number": {"session": None},
    "a list for a number": {"session": [1]},
    "201 sessions": {f"session-{number}": 0 for number in range(201)},
}


def with_project(payload: tuple[Any, ...], project_id: str) -> tuple[Any, ...]:
    """The payload about a real project, so that only its form can be wrong."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [put(inner) for inner in value]
        return project_id if value == "PROJECT" else value

    return tuple(put(value) for value in payload)


def check_refusal(answer: dict[str, Any], code: str) -> None:
    assert set(answer) == {"ok", "code", "detail"}
    assert (answer["ok"], answer["code"]) == (False, code)
    assert 0 < len(answer["detail"]) < 2_000


async def check_alive(http: httpx.AsyncClient, watcher: Watcher, project_id: str) -> None:
    """The socket is as good as new."""
    assert (await watcher.subscribe(project_id))["ok"] is True
    session = await start_session(http, project_id)
    await send(http, session["session_id"], PROMPT)
    await watcher.wait_for("vibecode_response")


async def test_what_is_no_subscription_is_refused_and_the_socket_lives_on(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str
) -> None:
    for name, payload in NO_SUBSCRIPTIONS.items():
        for event in ("subscribe", "unsubscribe"):
            answer = await watcher.call(event, *with_project(payload, project_id))
            assert answer["ok"] is False, name
            check_refusal(answer, "invalid_subscription")
    for name, after in NO_AFTER.items():
        answer = await watcher.call("subscribe", {"project_id": project_id, "after": after})
        assert answer["ok"] is False, name
        check_refusal(answer, "invalid_subscription")
        assert "after" in answer["detail"], name
    assert watcher.events == []
    await check_alive(http, watcher, project_id)


@pytest.mark.parametrize("unknown", ["00000000-0000-7000-8000-000000000000", "p", "../..", "p\x00", "☂", "%"])
async def test_a_project_that_does_not_exist_is_refused_and_the_socket_lives_on(
    watcher: Watcher, project_id: str, unknown: str
) -> None:
    check_refusal(await watcher.subscribe(unknown), "project_not_found")
    assert (await watcher.subscribe(project_id))["ok"] is True


async def test_a_deleted_project_is_refused(http: httpx.AsyncClient, watcher: Watcher, project_id: str) -> None:
    await http.delete(f"/projects/{project_id}")
    check_refusal(await watcher.subscribe(project_id), "project_not_found")


async def test_leaving_a_room_that_was_never_entered_is_no_mistake(watcher: Watcher, project_id: str) -> None:
    for name in (project_id, "unknown"):
        assert await watcher.call("unsubscribe", {"project_id": name}) == {"ok": True, "room": f"project_{name}"}


async def test_unknown_events_are_ignored(http: httpx.AsyncClient, watcher: Watcher, project_id: str) -> None:
    for name in ("vibecode_response", "message_started", "publish", "ping", "", "☂", "connect_error", "subscribe "):
        await watcher.client.emit(name, {"project_id": project_id})
    await check_alive(http, watcher, project_id)


@pytest.mark.parametrize("name", ["connect", "disconnect"])
async def test_the_names_of_a_connections_own_events_are_ignored_too(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, name: str
) -> None:
    assert (await watcher.subscribe(project_id))["ok"] is True
    await watcher.client.emit(name, ({}, {"token": "t"}))
    session = await start_session(http, project_id)
    await send(http, session["session_id"], PROMPT)
    await watcher.wait_for("vibecode_response")


async def test_what_a_client_sends_reaches_no_other_client(
    http: httpx.AsyncClient, watcher: Watcher, server_url: str, project_id: str
) -> None:
    async with Watcher(server_url) as other:
        for each in (watcher, other):
            await each.subscribe(project_id)
        await other.client.emit("vibecode_response", {"type": "vibecode_response", "seq": 1})
        await check_alive(http, watcher, project_id)
    assert [event["seq"] for event in watcher.logged()] == list(range(1, len(watcher.logged()) + 1))
    assert len(watcher.received("vibecode_response")) == 1


async def test_subscribing_twice_is_harmless(http: httpx.AsyncClient, watcher: Watcher, project_id: str) -> None:
    first = await watcher.subscribe(project_id)
    assert await watcher.subscribe(project_id) == first
    session = await start_session(http, project_id)
    await send(http, session["session_id"], PROMPT)
    await watcher.wait_for("vibecode_response")
    assert [event["seq"] for event in watcher.logged()] == list(range(1, len(watcher.logged()) + 1))


async def test_subscribing_many_times_at_once_is_harmless(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str
) -> None:
    answers = await asyncio.gather(*(watcher.subscribe(project_id) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    await check_alive(http, watcher, project_id)
    assert len(watcher.received("vibecode_response")) == 1


async def test_unsubscribing_stops_the_events(
    http: httpx.AsyncClient, watcher: Watcher, server_url: str, project_id: str, session_id: str
) -> None:
    async with Watcher(server_url) as other:
        for each in (watcher, other):
            await each.subscribe(project_id)
        await send(http, session_id, PROMPT)
        await watcher.wait_for("vibecode_response")
        assert (await watcher.call("unsubscribe", {"project_id": project_id}))["ok"] is True
        received = list(watcher.events)
        await send(http, session_id, PROMPT)
        await other.wait_for("vibecode_response", 2)
    # An answer comes after whatever was sent before it.
    await watcher.call("unsubscribe", {"project_id": project_id})
    assert watcher.events == received


@pytest.mark.parametrize("size", [200_000, 2_000_000])
@pytest.mark.parametrize("binary", [False, True])
async def test_a_packet_that_is_too_large_closes_its_own_socket_alone(
    http: httpx.AsyncClient, watcher: Watcher, server_url: str, project_id: str, size: int, binary: bool
) -> None:
    async with Watcher(server_url) as greedy:
        await greedy.subscribe(project_id)
        await greedy.client.emit("subscribe", b"x" * size if binary else "x" * size)
        await greedy.wait_until(lambda: not greedy.client.connected)
        await check_alive(http, watcher, project_id)
        assert greedy.events == []


async def test_a_socket_that_vanishes_harms_no_other(
    http: httpx.AsyncClient, watcher: Watcher, server_url: str, project_id: str
) -> None:
    for _ in range(5):
        leaving = Watcher(server_url)
        await leaving.__aenter__()
        await leaving.client.emit("subscribe", {"project_id": project_id})
        await leaving.client.eio.disconnect(abort=True)
        await leaving.client.shutdown()
    await check_alive(http, watcher, project_id)

"""Waiting for a message's end: how long, and what the response is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from backend.app.adapters.local.event_bus import LocalCompletionWaiter
from backend.app.api.services import Services
from backend.app.domain.messages.message import Message
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from tests.api.conftest import (
    connect,
    connect_as,
    create_project,
    json_of,
    problem_of,
    start_session,
)
from tests.api.worker_steps import answer
from tests.contract.builders import claim, fail
from tests.contract.event_builders import cancelled_event

Step = Callable[[LocalEngine, str], Awaitable[object]]


class StepWhileWaiting(LocalCompletionWaiter):
    """A CompletionWaiter that runs a step on the message instead of waiting, and records the timeout."""

    def __init__(self, engine: LocalEngine, step: Step) -> None:
        super().__init__(engine.bus)
        self._engine = engine
        self._step = step
        self.seconds: list[float] = []

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        self.seconds.append(timeout)
        await self._step(self._engine, message.message_id)


@asynccontextmanager
async def waiting_client(
    settings: LocalSettings, engine: LocalEngine, step: Step = answer
) -> AsyncIterator[tuple[httpx.AsyncClient, list[float]]]:
    """A client, and how long its requests were ready to wait."""
    completion_waiter = StepWhileWaiting(engine, step)
    async with connect(build_services(settings, replace(engine, completion_waiter=completion_waiter))) as client:
        yield client, completion_waiter.seconds


async def test_a_member_removed_during_the_wait_does_not_get_the_answer(
    settings: LocalSettings, engine: LocalEngine, client: httpx.AsyncClient
) -> None:
    project_id = (await create_project(client))["project_id"]
    (await client.patch(f"/projects/{project_id}", json={"members": ["member"]})).raise_for_status()
    session_id = (await start_session(client, project_id))["session_id"]

    async def remove_and_answer(engine: LocalEngine, message_id: str) -> None:
        (await client.patch(f"/projects/{project_id}", json={"members": []})).raise_for_status()
        await answer(engine, message_id, "The launch code is 4711")

    completion_waiter = StepWhileWaiting(engine, remove_and_answer)
    async with connect_as(
        build_services(settings, replace(engine, completion_waiter=completion_waiter)), "member"
    ) as member:
        refused = await member.post(f"/sessions/{session_id}/messages", json={"prompt": "Make it rain"})
    problem_of(refused, 404, "session_not_found", session_id)
    assert "4711" not in refused.text


async def test_by_default_a_message_is_waited_for(
    settings: LocalSettings, engine: LocalEngine, session_id: str
) -> None:
    async with waiting_client(settings, engine) as (client, seconds):
        sent = await client.post(f"/sessions/{session_id}/messages", json={"prompt": "Make it rain"})
    message = json_of(sent, 200)
    assert (message["session_id"], message["status"], message["content"]) == (session_id, "completed", "Done")
    assert "location" not in sent.headers
    assert seconds == [pytest.approx(20, abs=2)]


async def _fail(engine: LocalEngine, message_id: str) -> None:
    await fail(engine, await claim(engine, message_id))


async def _cancel(engine: LocalEngine, message_id: str) -> None:
    message = await engine.messages.find_message(message_id)
    assert message is not None
    await engine.messages.cancel_message(message_id, engine.clock.now(), cancelled_event(engine, message))


@pytest.mark.parametrize(("step", "status"), [(_fail, "failed"), (_cancel, "cancelled")])
async def test_a_failed_or_cancelled_message_ends_the_wait(
    settings: LocalSettings, engine: LocalEngine, session_id: str, step: Step, status: str
) -> None:
    async with waiting_client(settings, engine, step) as (client, _):
        sent = await client.post(f"/sessions/{session_id}/messages", json={"prompt": "Make it rain"})
    assert json_of(sent, 200)["status"] == status


async def test_a_session_that_is_deleted_while_a_message_is_waited_for_is_not_found(
    settings: LocalSettings, engine: LocalEngine, client: httpx.AsyncClient, session_id: str
) -> None:
    async def delete(_engine: LocalEngine, _message_id: str) -> None:
        assert (await client.delete(f"/sessions/{session_id}")).status_code == 200

    async with waiting_client(settings, engine, delete) as (waiting, _):
        sent = await waiting.post(f"/sessions/{session_id}/messages", json={"prompt": "Make it rain"})
    problem_of(sent, 404, "session_not_found", session_id)


async def test_after_the_wait_the_response_is_a_running_message(services: Services, session_id: str) -> None:
    async with connect(replace(services, wait_seconds=0.01)) as client:
        sent = await client.post(f"/sessions/{session_id}/messages", json={"prompt": "Make it rain"})
    assert json_of(sent, 202)["status"] == "queued"
    assert sent.headers["location"] == f"/messages/{sent.json()['message_id']}"


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [("wait=5", 5), ("wait=25", 25), ("wait=26", 25), ("wait=9999999999", 25), ("respond-async, wait=5", 5)],
)
async def test_a_client_says_how_long_it_waits(
    settings: LocalSettings, engine: LocalEngine, session_id: str, prefer: str, expected: float
) -> None:
    async with waiting_client(settings, engine) as (client, seconds):
        path, body = f"/sessions/{session_id}/messages", {"prompt": "Make it rain"}
        assert (await client.post(path, json=body, headers={"Prefer": prefer})).status_code == 200
    assert seconds == [pytest.approx(expected, abs=2)]
    assert seconds[0] <= 25


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async", "RESPOND-ASYNC", "return=minimal, respond-async;x=1"])
async def test_a_client_that_does_not_wait_is_answered_immediately(
    settings: LocalSettings, engine: LocalEngine, session_id: str, prefer: str
) -> None:
    async with waiting_client(settings, engine) as (client, seconds):
        path, body = f"/sessions/{session_id}/messages", {"prompt": "Make it rain"}
        assert (await client.post(path, json=body, headers={"Prefer": prefer})).status_code == 202
    assert seconds == []


@pytest.mark.parametrize(
    "prefer",
    ["", ",", ";;;", "wait", "wait=", "wait=-1", "wait=abc", "wait=\xb2", "wait=1.5", "nonsense=1", "=", "\xff"],
)
async def test_an_invalid_preference_is_ignored(
    settings: LocalSettings, engine: LocalEngine, session_id: str, prefer: str
) -> None:
    async with waiting_client(settings, engine) as (client, seconds):
        path, body = f"/sessions/{session_id}/messages", {"prompt": "Make it rain"}
        sent = await client.post(path, json=body, headers=[(b"prefer", prefer.encode("latin-1"))])
        assert sent.status_code == 200, sent.text
    assert seconds == [pytest.approx(20, abs=2)]


async def test_several_prefer_headers_count_as_one(
    settings: LocalSettings, engine: LocalEngine, session_id: str
) -> None:
    headers = [("Prefer", "return=minimal"), ("Prefer", "respond-async"), ("Prefer", "handling=lenient")]
    async with waiting_client(settings, engine) as (client, seconds):
        path, body = f"/sessions/{session_id}/messages", {"prompt": "Make it rain"}
        assert (await client.post(path, json=body, headers=headers)).status_code == 202
    assert seconds == []

"""Everything between a prompt and the browsers, on AWS's side, with each part of ours in a process of its own.

HTTP function -> turn notification on SQS -> run_turn -> SNS -> two relays with a queue each -> twenty clients each.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tests.aws_stack.stack import AwsStack, start_stack
from tests.sending import send_to_its_end
from tests.server_process import model_process
from tests.watcher import Watcher

_CLIENTS_A_RELAY = 20
_PROMPTS = ("Create a triage agent", "Create a billing agent", "Make it Spanish")
_ENDS = ("vibecode_response", "message_failed", "message_cancelled")


@pytest.fixture(scope="module")
def stack() -> Iterator[AwsStack]:
    with model_process() as model, start_stack(model.url, relays=2) as stack:
        yield stack
        assert "Traceback" not in stack.functions.log.read_text()


@pytest.fixture
async def http(stack: AwsStack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    async with httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
async def project_id(http: httpx.AsyncClient) -> str:
    created: str = (await http.post("/projects", json={"name": "Support team"})).json()["project_id"]
    return created


async def start_session(http: httpx.AsyncClient, project_id: str, node_id: str | None = None) -> str:
    answer = await http.post(f"/projects/{project_id}/sessions", json={"node_id": node_id})
    started: str = answer.json()["session_id"]
    return started


async def watchers(stack: AwsStack, url: str, count: int, closing: AsyncExitStack) -> list[Watcher]:
    auth = {"token": stack.token()}
    return list(await asyncio.gather(*(closing.enter_async_context(Watcher(url, auth=auth)) for _ in range(count))))


async def logged_events(http: httpx.AsyncClient, session_id: str) -> list[dict[str, Any]]:
    page: dict[str, Any] = (await http.get(f"/sessions/{session_id}/events")).json()
    events: list[dict[str, Any]] = page["events"]
    return events


def logged_of(watcher: Watcher, session_id: str) -> list[dict[str, Any]]:
    return [event for event in watcher.logged() if event["session_id"] == session_id]


async def wait_for_events(watcher: Watcher, session_id: str, count: int) -> list[dict[str, Any]]:
    await watcher.wait_until(lambda: len(logged_of(watcher, session_id)) >= count)
    return logged_of(watcher, session_id)


async def test_forty_clients_of_two_relays_receive_every_event_once_and_in_order(
    stack: AwsStack, http: httpx.AsyncClient, project_id: str
) -> None:
    sessions = [await start_session(http, project_id, node) for node in (None, "triage_agent")]
    async with AsyncExitStack() as closing:
        clients = [
            client for relay in stack.relays for client in await watchers(stack, relay.url, _CLIENTS_A_RELAY, closing)
        ]
        acknowledged = await asyncio.gather(*(client.subscribe(project_id) for client in clients))
        assert all(answer["ok"] for answer in acknowledged)
        for prompt in _PROMPTS:
            answers = await asyncio.gather(*(send_to_its_end(http, session_id, prompt) for session_id in sessions))
            assert [message["status"] for message in answers] == ["completed", "completed"]
        for session_id in sessions:
            expected = await logged_events(http, session_id)
            for client in clients:
                assert await wait_for_events(client, session_id, len(expected)) == expected


async def test_when_a_relay_is_killed_its_clients_move_to_the_other_and_miss_nothing(
    stack: AwsStack, http: httpx.AsyncClient, project_id: str
) -> None:
    session_id = await start_session(http, project_id)
    dying, living = stack.relays
    async with AsyncExitStack() as closing:
        moving = await watchers(stack, dying.url, _CLIENTS_A_RELAY, closing)
        staying = await watchers(stack, living.url, _CLIENTS_A_RELAY, closing)
        await asyncio.gather(*(client.subscribe(project_id) for client in (*moving, *staying)))
        turns = [asyncio.create_task(send_to_its_end(http, session_id, prompt)) for prompt in _PROMPTS]
        await asyncio.gather(*(client.wait_for("token_usage") for client in moving))
        await asyncio.to_thread(dying.kill)
        moved = await watchers(stack, living.url, _CLIENTS_A_RELAY, closing)
        received = [logged_of(client, session_id) for client in moving]
        acknowledged = await asyncio.gather(
            *(
                client.subscribe(project_id, {session_id: before[-1]["seq"]})
                for client, before in zip(moved, received, strict=True)
            )
        )
        assert all(answer["ok"] and not answer["truncated"] for answer in acknowledged)
        assert all(message["status"] == "completed" for message in await asyncio.gather(*turns))
        expected = await logged_events(http, session_id)
        assert sum(event["type"] in _ENDS for event in expected) == len(_PROMPTS)
        for before, client in zip(received, moved, strict=True):
            assert before + await wait_for_events(client, session_id, len(expected) - len(before)) == expected
        for client in staying:
            assert await wait_for_events(client, session_id, len(expected)) == expected

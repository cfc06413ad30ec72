"""How many clients may wait for the end of their message: more are answered immediately, and their messages queued."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from backend.app.adapters.local.event_bus import LocalCompletionWaiter
from backend.app.domain.messages.message import Message
from backend.app.settings import AwsSettings
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from tests.api.conftest import connect
from tests.api.worker_steps import answer

PLACES = 3


class NotingWatch(LocalCompletionWaiter):
    """A CompletionWaiter that records its callers, and signals when the maximum of them wait."""

    def __init__(self, engine: LocalEngine) -> None:
        super().__init__(engine.bus)
        self.waiting: set[str] = set()
        self.is_full = asyncio.Event()

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        self.waiting.add(message.message_id)
        if len(self.waiting) == PLACES:
            self.is_full.set()
        await super().wait_for_completion(message, timeout)


@pytest.fixture
def watch(engine: LocalEngine) -> NotingWatch:
    return NotingWatch(engine)


@pytest.fixture
async def busy(settings: LocalSettings, engine: LocalEngine, watch: NotingWatch) -> AsyncIterator[httpx.AsyncClient]:
    narrow = settings.model_copy(update={"send_message_concurrency": 2 * PLACES})
    async with connect(build_services(narrow, replace(engine, completion_waiter=watch))) as client:
        yield client


async def new_session(client: httpx.AsyncClient) -> str:
    project_id = (await client.post("/projects", json={"name": "Climate"})).json()["project_id"]
    return str((await client.post(f"/projects/{project_id}/sessions")).json()["session_id"])


@pytest.mark.parametrize("headers", [{}, {"Prefer": "wait=25"}], ids=["no preference", "wait=25"])
async def test_without_a_free_slot_a_sender_is_answered_immediately_and_the_message_runs(
    engine: LocalEngine, busy: httpx.AsyncClient, watch: NotingWatch, headers: dict[str, str]
) -> None:
    sessions = [await new_session(busy) for _ in range(2 * PLACES)]

    def send(session_id: str) -> asyncio.Task[httpx.Response]:
        path = f"/sessions/{session_id}/messages"
        return asyncio.create_task(busy.post(path, json={"prompt": "Make it rain"}, headers=headers))

    async with asyncio.timeout(20):
        waiting = [send(session_id) for session_id in sessions[:PLACES]]
        await watch.is_full.wait()
        at_once = await asyncio.gather(*map(send, sessions[PLACES:]))
        assert not any(task.done() for task in waiting)
        for sent in at_once:
            assert (sent.status_code, sent.json()["status"]) == (202, "queued")
            assert sent.headers["location"] == f"/messages/{sent.json()['message_id']}"
            assert sent.json()["message_id"] not in watch.waiting
        for message_id in [*watch.waiting, *(sent.json()["message_id"] for sent in at_once)]:
            await answer(engine, message_id)
        assert {(await task).status_code for task in waiting} == {200}
        for sent in at_once:
            assert (await busy.get(sent.headers["location"])).json()["status"] == "completed"


async def test_a_released_slot_is_used_again(engine: LocalEngine, busy: httpx.AsyncClient, watch: NotingWatch) -> None:
    for _ in range(3 * PLACES):
        path = f"/sessions/{await new_session(busy)}/messages"
        sent = await busy.post(path, json={"prompt": "Make it rain"}, headers={"Prefer": "wait=0"})
        assert sent.status_code == 202
    watch.waiting.clear()
    for _ in range(2 * PLACES):
        session_id = await new_session(busy)
        async with asyncio.timeout(20):
            path = f"/sessions/{session_id}/messages"
            sending = asyncio.create_task(busy.post(path, json={"prompt": "Make it rain"}))
            while not watch.waiting:
                await asyncio.wait([sending], timeout=0.01)
            await answer(engine, watch.waiting.pop())
            assert (await sending).status_code == 200


@pytest.mark.parametrize(("concurrency", "places"), [(1, 1), (2, 1), (3, 1), (4, 2), (100, 50)])
def test_half_of_the_concurrent_senders_may_wait(concurrency: int, places: int) -> None:
    assert LocalSettings(send_message_concurrency=concurrency).wait_slots == places


def test_senders_wait_for_seconds_where_each_holds_a_lambda() -> None:
    assert 2 <= AwsSettings.model_fields["wait_seconds"].default <= 5
    assert LocalSettings().wait_seconds == 20

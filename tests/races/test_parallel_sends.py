"""Twenty people send the same message at the same time: it is one message, and its turn runs once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from backend.app.api.services import Services
from backend.app.domain.errors import MessageIdConflictError
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.sessions.session import Session
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.settings import LocalSettings
from backend.local.storage_gate import StorageGate
from backend.local.worker import LocalWorker
from tests.api.conftest import connect, post_message
from tests.manual_time import ManualClock, SequentialIds
from tests.races.race_fixture import USER, RaceFixture, ends_of, open_race_fixture

PARALLEL = 20
DEADLINE_SECONDS = 30

# Sends a prompt to the session under the one name that all have.
Send = Callable[[Services, Session, str], Awaitable[Message]]


async def _by_id(services: Services, session: Session, prompt: str) -> Message:
    message_id = f"{session.session_id[:-1]}f"
    return await services.messages.send_message(USER, session.session_id, prompt, message_id=message_id, wait_seconds=0)


async def _by_key(services: Services, session: Session, prompt: str) -> Message:
    return await services.messages.send_message(
        USER, session.session_id, prompt, idempotency_key="once", wait_seconds=0
    )


async def _run_all(fixture: RaceFixture) -> None:
    """Handle every enqueued notification, as a worker does, until a last one of another session is handled."""
    last = await fixture.send(await fixture.session("last"), "say last")
    gate = StorageGate(fixture.engine.database)
    worker = LocalWorker(fixture.calm, fixture.engine.queue, gate, parallel=4, visibility_seconds=60)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await fixture.find(last)).status.is_open:
            await fixture.engine.completion_waiter.wait_for_completion(last, 0.1)
        while await fixture.engine.database.read(
            lambda connection: connection.execute("SELECT 1 FROM notifications").fetchone()
        ):
            pass
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _check_once(fixture: RaceFixture, session: Session, prompt: str) -> None:
    """The session has one message, which ran once and was answered once."""
    await _run_all(fixture)
    _, page = await fixture.services.messages.list_messages(USER, session.session_id, 10, None, ascending=True)
    (message,) = page.items
    assert (message.number, message.prompt, message.status) == (1, prompt, MessageStatus.COMPLETED)
    assert message.attempt == 1
    assert fixture.agents.begun[prompt] == 1
    assert len(await fixture.engine.messages.list_responses(message.message_id)) == 1
    assert ends_of(message, await fixture.events(session)) == ["vibecode_response"]
    assert (await fixture.services.sessions.get_session(USER, session.session_id)).message_count == 1


@pytest.mark.parametrize("send", [_by_id, _by_key])
async def test_twenty_parallel_sends_of_one_message_run_it_once(
    engine: LocalEngine, tmp_path: Path, send: Send
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    sent = await asyncio.gather(*(send(fixture.services, session, "say it") for _ in range(PARALLEL)))
    assert len({message.message_id for message in sent}) == 1
    assert {message.number for message in sent} == {1}
    await _check_once(fixture, session, "say it")


@pytest.mark.parametrize("send", [_by_id, _by_key])
async def test_the_sends_of_another_prompt_under_the_same_name_are_refused(
    engine: LocalEngine, tmp_path: Path, send: Send
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    prompts = ["say one", "say two"] * (PARALLEL // 2)
    sends = (send(fixture.services, session, prompt) for prompt in prompts)
    done = list(zip(prompts, await asyncio.gather(*sends, return_exceptions=True), strict=True))
    taken = {prompt for prompt, result in done if isinstance(result, Message)}
    refused = [prompt for prompt, result in done if isinstance(result, MessageIdConflictError)]
    assert len(taken) == 1
    assert refused == [prompt for prompt in prompts if prompt not in taken]
    await _check_once(fixture, session, *taken)


@pytest.mark.parametrize("send", [_by_id, _by_key])
async def test_parallel_sends_to_two_processes_on_one_file_make_one_message(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds, send: Send
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    other = build_local_engine(tmp_path, clock, ids)
    await other.database.open()
    processes = (fixture.services, build_services(LocalSettings(data_dir=tmp_path), other))
    sent = await asyncio.gather(*(send(processes[n % 2], session, "say it") for n in range(PARALLEL)))
    await other.database.close()
    assert len({message.message_id for message in sent}) == 1
    await _check_once(fixture, session, "say it")


async def test_twenty_parallel_sends_wait_for_one_answer(engine: LocalEngine, tmp_path: Path) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    gate = StorageGate(fixture.engine.database)
    worker = LocalWorker(fixture.calm, fixture.engine.queue, gate, parallel=4, visibility_seconds=60)
    running = asyncio.create_task(worker.run())
    sends = (
        fixture.services.messages.send_message(
            USER, session.session_id, "add it", idempotency_key="once", wait_seconds=DEADLINE_SECONDS
        )
        for _ in range(PARALLEL)
    )
    answers = await asyncio.gather(*sends)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert answers == [answers[0]] * PARALLEL
    assert answers[0].status is MessageStatus.COMPLETED
    assert len(await fixture.versions()) == 2


def _codes(answers: list[httpx.Response]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json().get("code")) for answer in answers)


@pytest.mark.parametrize("by_key", [True, False])
async def test_twenty_parallel_posts_are_answered_with_one_message_or_409(
    engine: LocalEngine, tmp_path: Path, by_key: bool
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    name = f"{session.session_id[:-1]}f"

    async def post(client: httpx.AsyncClient, prompt: str) -> httpx.Response:
        if by_key:
            return await post_message(client, session.session_id, prompt, name)
        return await post_message(client, session.session_id, prompt, message_id=name)

    async with connect(fixture.services) as client:
        same = await asyncio.gather(*(post(client, "say it") for _ in range(PARALLEL)))
        half = await asyncio.gather(*(post(client, f"say {(n % 2 and 'other') or 'it'}") for n in range(PARALLEL)))
    assert _codes(same) == {(202, None): PARALLEL}
    assert len({answer.json()["message_id"] for answer in same}) == 1
    assert _codes(half) == {(202, None): PARALLEL // 2, (409, "message_id_conflict"): PARALLEL // 2}
    await _check_once(fixture, session, "say it")

"""kill -9 between any two steps of a turn (DESIGN, section 7): after the restart it is answered once, and completely.

Kills before each new pair of steps (`make test`: a third of them); VIBEWIRE_TEST_ALL_CRASHES=1: around every step.
"""

import asyncio
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from backend.local.settings import LocalSettings
from tests.faults.crashing_process import Crash, SentMessage, Side, run_until_crash
from tests.faults.local_server import (
    Json,
    LocalServer,
    check_memory,
    log_of,
    quarantine,
    read_store,
    send,
    settings_for,
    start_session,
    started,
)

EARLIER = "Create a billing agent"
PROMPT = "Create a triage agent, reject once"
FOLLOWING = "Make it Spanish"

_RESPONSE = ("turns.record_response token_usage", "bus.publish token_usage")
_ITERATION = ("turns.append_event agent_iteration", "bus.publish agent_iteration")
_ROUND = (*_RESPONSE, *_RESPONSE, *_ITERATION, *_RESPONSE, *_ITERATION)
TAKE = "turns.claim_turn"
COMPLETE = "turns.complete_turn vibecode_response"
STEPS = (
    "messages.queue_message",
    "bus.publish message_queued",
    "queue.enqueue",
    "turns.find_open_message",
    TAKE,
    "turns.append_event message_started",
    "bus.publish message_started",
    "memory.read_memory",
    *_ROUND,
    *_ROUND,
    "turns.store_items",
    COMPLETE,
    "memory.append_turns",
    "bus.publish vibecode_response",
    "bus.publish code_changed",
    "queue.acknowledge",
)
CRASHES: list[Any] = [(index, side) for index in range(len(STEPS)) for side in get_args(Side)]
if os.environ.get("VIBEWIRE_TEST_ALL_CRASHES") != "1":
    gaps = {pair: index for index, pair in reversed(list(enumerate(pairwise(("", *STEPS)))))}
    points = [*((index, "before") for index in sorted(gaps.values())), (len(STEPS) - 1, "after")]
    CRASHES = [pytest.param(*point, marks=pytest.mark.long if n % 3 else ()) for n, point in enumerate(points)]


@dataclass(frozen=True)
class StoredSession:
    """A session with one completed turn, on a data folder of its own."""

    settings: LocalSettings
    session: Json

    def message(self, prompt: str = PROMPT) -> SentMessage:
        return SentMessage(self.session["session_id"], str(uuid4()), prompt)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, demo_model_url: str) -> StoredSession:
    settings = settings_for(tmp_path_factory.mktemp("used"), demo_model_url)

    async def start() -> Json:
        async with started(settings) as server:
            await send(server.http, (session := await start_session(server.http))["session_id"], EARLIER)
            await server.wait_for_no_notification()
            return session

    return StoredSession(settings, asyncio.run(start()))


@pytest.fixture
def stored(template: StoredSession, tmp_path: Path) -> StoredSession:
    shutil.copytree(template.settings.data_dir, tmp_path, dirs_exist_ok=True)
    return StoredSession(template.settings.model_copy(update={"data_dir": tmp_path}), template.session)


def nth_time(index: int) -> int:
    return STEPS[: index + 1].count(STEPS[index])


def attempts_after(index: int, side: str) -> set[int]:
    """How often the turn may have been begun in all, when it was killed once at a step."""
    done = {"before": [index], "during": [index, index + 1], "after": [index + 1]}[side]
    return {2 if STEPS.index(TAKE) < steps <= STEPS.index(COMPLETE) else 1 for steps in done}


def name_of(crash: object) -> str:
    return f"{crash + 1}-{STEPS[crash]}".replace(" ", "-") if isinstance(crash, int) else str(crash)


async def check_answered_once(http: httpx.AsyncClient, stored: StoredSession, message: Json) -> None:
    """One answer, one code version, complete usage."""
    project_id, message_id = stored.session["project_id"], message["message_id"]
    assert message["status"] == "completed", message
    assert (message["base_version"], message["version"]) == (2, 3)
    project = (await http.get(f"/projects/{project_id}")).json()
    versions = (await http.get(f"/projects/{project_id}/versions")).json()["versions"]
    assert [(made["version"], made["message_id"]) for made in versions][:1] == [(3, message_id)]
    assert len(versions) == project["version"] == 3
    assert project["code"].count("triage_agent = Agent(") == 1
    answers = [
        event
        for event in await log_of(http, stored.session["session_id"])
        if event["type"] == "vibecode_response" and event["message_id"] == message_id
    ]
    assert len(answers) == 1
    assert answers[0]["token_usage"] == message["token_usage"]


async def check_usage(http: httpx.AsyncClient, stored: StoredSession, message: Json) -> None:
    """What the message used is the sum over the model's responses, of attempts that died too, each logged once."""
    full = (await http.get(f"/messages/{message['message_id']}/full")).json()
    responses = full["openai_response"]["responses"]
    logged = [
        event
        for event in await log_of(http, stored.session["session_id"])
        if event["type"] == "token_usage" and event["message_id"] == message["message_id"]
    ]
    assert full["usage"] == message["token_usage"]
    for name, total in message["token_usage"].items():
        assert sum(response["usage"][name] for response in responses) == total
        assert sum(event[name] for event in logged) == total
    made = [(response["attempt"], response["response_id"]) for response in responses]
    assert [(event["attempt"], event["response_id"]) for event in logged] == made
    assert len(set(made)) == len(made)


async def check_next_turn(server: LocalServer, stored: StoredSession, touched: str, turns: int) -> None:
    """The next turn knows what was said, and leaves a complete memory and no notification."""
    following = await send(server.http, stored.session["session_id"], FOLLOWING)
    assert f"{touched} = Agent(" in following["patch"]
    await server.wait_for_no_notification()
    check_memory(stored.settings, stored.session, turns)
    assert quarantine(stored.settings, stored.session) == []
    events = [event["event_id"] for event in await log_of(server.http, stored.session["session_id"])]
    assert len(set(events)) == len(events)


def test_the_steps_of_a_turn_are_those_that_are_killed_at(stored: StoredSession) -> None:
    assert run_until_crash(stored.settings, stored.message()) == list(STEPS)


@pytest.mark.parametrize(("index", "side"), CRASHES, ids=name_of)
async def test_a_turn_that_is_killed_at_a_step_is_answered_once(stored: StoredSession, index: int, side: Side) -> None:
    sent = stored.message()
    run_until_crash(stored.settings, sent, Crash(STEPS[index], nth_time(index), side))
    async with started(stored.settings) as server:
        if (await server.http.get(f"/messages/{sent.message_id}")).status_code == 404:
            assert (index, side) in [(0, "before"), (0, "during")]  # never accepted: its sender sends it again
            await server.http.post(
                f"/sessions/{sent.session_id}/messages", json={"prompt": sent.prompt, "message_id": sent.message_id}
            )
        message = await server.wait_for_completion(sent.message_id)
        await check_answered_once(server.http, stored, message)
        await check_usage(server.http, stored, message)
        assert message["attempt"] in attempts_after(index, side)
        await check_next_turn(server, stored, "triage_agent", 3)


async def test_a_turn_that_is_killed_twice_is_answered_once(stored: StoredSession) -> None:
    sent = stored.message()
    for crash in (Crash(COMPLETE), Crash("turns.store_items")):
        run_until_crash(stored.settings, sent, crash)
    async with started(stored.settings) as server:
        message = await server.wait_for_completion(sent.message_id)
        assert message["attempt"] == 3
        await check_answered_once(server.http, stored, message)
        await check_usage(server.http, stored, message)
        await check_next_turn(server, stored, "triage_agent", 3)


async def test_a_turn_killed_in_each_attempt_fails_visibly_and_leaves_nothing(stored: StoredSession) -> None:
    sent = stored.message()
    for _ in range(3):
        run_until_crash(stored.settings, sent, Crash(COMPLETE))
    async with started(stored.settings) as server:
        message = await server.wait_for_completion(sent.message_id)
        assert (message["status"], message["error"]["code"]) == ("failed", "attempts_spent")
        await check_usage(server.http, stored, message)
        events = Counter(event["type"] for event in await log_of(server.http, stored.session["session_id"]))
        assert (events["message_failed"], events["vibecode_response"]) == (1, 1)
        assert (await server.http.get(f"/projects/{stored.session['project_id']}")).json()["version"] == 2
        following = await send(server.http, stored.session["session_id"], FOLLOWING)
        assert "billing_agent = Agent(" in following["patch"]
    markers = read_store(stored.settings, "SELECT number FROM messages WHERE status = 'completed' ORDER BY number")
    assert markers == [(1,), (3,)]


@pytest.mark.parametrize("side", get_args(Side))
async def test_a_kill_while_the_memory_is_caught_up_loses_nothing(stored: StoredSession, side: Side) -> None:
    sent, following = stored.message(), stored.message("Make it French")
    run_until_crash(stored.settings, sent, Crash("memory.append_turns"))
    run_until_crash(stored.settings, following, Crash("memory.append_turns", side=side))
    async with started(stored.settings) as server:
        message = await server.wait_for_completion(following.message_id)
        assert (message["status"], message["attempt"]) == ("completed", 2)
        assert "triage_agent = Agent(" in message["patch"]
        await check_usage(server.http, stored, message)
        await check_next_turn(server, stored, "triage_agent", 4)

"""Answers that are broken at random: every turn ends visibly, with an answer or with a code that says what happened."""

import json
import os
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from tests.integration.raw_answers import call_item, delta, ended, raw, refusal_item, response, stream, text_item
from tests.integration.talk import Json, Servers, check_log, log_of, own_servers, send, start_session

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "12"))
CODES = {"model_misbehaved", "model_unavailable", "model_refused", "too_many_steps", "answer_cut_off", "model_silent"}
JUNK: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**25, "", " ", "x", "\ud83d", "\0", "a" * 5_000, [], {}, [None], {"type": "message"}),
    *("message", "function_call", "reasoning", "refusal", "response.completed", "error", "computer_call", "program"),
    {"type": "output_text", "text": 5},
    {"error": {"message": {}}},
    [[[[]]]],
]
REVIEW = '{"approved": true, "reasoning": "Good.", "commit_message": "Change it"}'
PATCH = '{"diff": "@@\\n from agents import Agent\\n+# new\\n"}'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    patience = {"model_timeout_seconds": "1", "model_first_token_seconds": "1", "retry_delay_seconds": "0.01"}
    with own_servers(tmp_path_factory.mktemp("fuzz"), **patience) as servers:
        yield servers


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url


def answers(chance: random.Random) -> list[Any]:
    """A good answer, as events."""
    output = chance.choice(
        [
            [text_item("Hello 😀")],
            [{"id": "rs_1", "type": "reasoning", "summary": []}, call_item(PATCH)],
            [text_item(REVIEW)],
            [refusal_item("No.")],
        ]
    )
    items = [{"type": "response.output_item.done", "output_index": 0, "item": item} for item in output]
    body = deepcopy(response(*output))
    created = {"type": "response.created", "response": response(status="in_progress", usage=None)}
    return [created, delta("Hel"), delta("lo"), *items, ended(body)]


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and its key or index there."""
    found: list[tuple[Any, Any]] = []
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places_in(value[key])
    return found


def with_junk(chance: random.Random, events: list[Any]) -> str:
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(places_in(events))
        if isinstance(holder, dict) and chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = deepcopy(chance.choice(JUNK))
    return stream(*(f"data: {json.dumps(event)}\n\n" for event in events))


def with_other_events(chance: random.Random, events: list[Any]) -> str:
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(events))
        chance.choice([events.pop, lambda at: events.insert(at, deepcopy(events[at]))])(place)
        if not events:
            break
    chance.shuffle(events)
    return stream(*events)


def with_broken_bytes(chance: random.Random, events: list[Any]) -> bytes:
    data = bytearray(stream(*events).encode())
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(data))
        data[place : place + chance.choice([0, 1, 1, 50])] = chance.choice(
            [b"", b"\0", b"\n\n", b"\r", b":", b"\xff", b'"', b"\\ud83d", b"id: 1\n\n", b"{"]
        )
    return bytes(data)


def cut_short(chance: random.Random, events: list[Any]) -> bytes:
    data = stream(*events).encode()
    return data[: chance.randrange(len(data))]


BREAKERS: list[Callable[[random.Random, list[Any]], str | bytes]] = [
    with_junk,
    with_junk,
    with_other_events,
    with_broken_bytes,
    cut_short,
]


def broken_answer(chance: random.Random) -> Json:
    body = chance.choice(BREAKERS)(chance, answers(chance))
    more: Json = {"cut": chance.random() < 0.2, "times": chance.choice([1, 1, 2, 20])}
    if chance.random() < 0.3:
        more["agent"] = chance.choice(["vibecoder", "evaluator"])
    return raw(body, **more)


async def test_every_turn_ends_visibly_however_the_model_answers(own: Servers, http: httpx.AsyncClient) -> None:
    seed = int(os.environ.get("FUZZ_SEED", random.randrange(2**32)))
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        faults = [broken_answer(chance) for _ in range(chance.randint(1, 3))]
        session_id = (await start_session(http))["session_id"]
        await own.plan_faults(*faults)
        message = await send(http, session_id, "Create a triage agent")
        await own.drop_faults()
        assert message["status"] in ("completed", "failed"), faults
        assert message["error"] is None or message["error"]["code"] in CODES, (message["error"], faults)
        assert message["status"] == "failed" or message["content"].strip(), faults
        assert (await http.get(f"/messages/{message['message_id']}/full")).status_code == 200, faults
        check_log(await log_of(http, session_id))
        assert (await send(http, session_id, "Which agents are there?"))["status"] == "completed", faults
    assert "Traceback" not in own.process.output, own.process.output

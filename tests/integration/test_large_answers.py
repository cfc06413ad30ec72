"""Answers of a model that are too large for an event, and for a message."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.talk import Servers, check_log, log_of, own_servers, send, start_session

pytestmark = pytest.mark.long

PROMPT = "Create a triage agent"
QUESTION = "Which agents are there?"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with own_servers(tmp_path_factory.mktemp("large")) as servers:
        yield servers


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url


async def test_an_answer_of_a_million_characters_is_an_answer(servers: Servers, http: httpx.AsyncClient) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults({"kind": "huge_output", "agent": "vibecoder"})
    before = await servers.counts()
    message = await send(http, session_id, PROMPT)
    after = await servers.counts()
    assert (message["status"], message["attempt"]) == ("completed", 1)
    assert len(message["content"]) == 1_000_000
    assert message["token_usage"]["total_tokens"] == after["tokens"] - before["tokens"]
    events = await log_of(http, session_id)
    check_log(events)
    # Too large for an event: the event says where it can be read.
    assert events[-1]["content"] is None
    assert (await http.get(events[-1]["href"])).json()["content"] == message["content"]
    assert (await send(http, session_id, QUESTION))["status"] == "completed"


async def test_an_answer_of_ten_megabytes_is_kept_and_can_be_read_in_parts(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults({"kind": "huge_output", "agent": "vibecoder", "bytes": 10_000_000})
    message = await send(http, session_id, PROMPT)
    assert (message["status"], message["attempt"]) == ("completed", 1)
    assert message["content"] is None
    full = (await http.get(message["href"])).json()
    large = [one for one in full["openai_response"]["responses"] if one["response"] is None]
    href, text = large[0]["href"], ""
    while href is not None:
        part = (await http.get(href)).json()
        part = part if "text" in part else (await http.get(part["openai_response"]["responses"][0]["href"])).json()
        text += part["text"]
        href = part["next_href"]
    assert len(json.loads(text)["output"][-1]["content"][0]["text"]) == 10_000_000
    assert (await send(http, session_id, QUESTION))["status"] == "completed"

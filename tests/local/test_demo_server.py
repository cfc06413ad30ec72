import ast
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from agents import Agent, OpenAIResponsesModel, RunConfig, Runner
from agents.apply_diff import apply_diff
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from backend.local.demo_model import server
from backend.local.demo_model.response import Json
from backend.local.demo_model.server import run_demo_model
from tests.local.coder import Workflow, coder, run
from tests.local.demo_calls import START, TWO_AGENTS, context, rejection, review_request, turn, user

TEXT_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]
CALL_EVENTS = [
    *TEXT_EVENTS[:3],
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    *TEXT_EVENTS[-2:],
]


@pytest.fixture
async def base_url() -> AsyncIterator[str]:
    async with run_demo_model(pace_seconds=0.0) as url:
        yield url


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as opened:
        yield opened


def kinds(events: list[Json]) -> list[str]:
    """The types of events, each run of deltas once."""
    types = [event["type"] for event in events]
    return [kind for before, kind in zip(["", *types], types, strict=False) if kind != before]


async def streamed(client: AsyncOpenAI, body: Json) -> list[Json]:
    events = await client.responses.create(**body, stream=True)
    return [event.model_dump() async for event in events]


async def test_a_streamed_text_has_every_event_in_order(client: AsyncOpenAI) -> None:
    events = await streamed(client, turn("hello"))
    assert kinds(events) == TEXT_EVENTS
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert len(deltas) > 5
    item = events[-1]["response"]["output"][0]
    assert "".join(deltas) == item["content"][0]["text"]
    assert item["id"].startswith("msg_")


async def test_a_streamed_tool_call_has_every_event_in_order(client: AsyncOpenAI) -> None:
    events = await streamed(client, turn("Create a triage agent"))
    assert kinds(events) == CALL_EVENTS
    deltas = [event["delta"] for event in events if event["type"].endswith("arguments.delta")]
    item = events[-1]["response"]["output"][0]
    assert "".join(deltas) == item["arguments"]
    assert item["id"].startswith("fc_")
    assert item["call_id"].startswith("call_")
    assert "triage_agent = Agent(" in apply_diff(START, json.loads(item["arguments"])["diff"])


async def test_a_response_without_a_stream_echoes_the_request(client: AsyncOpenAI) -> None:
    body = turn("Create a triage agent")
    response = await client.responses.create(**body, instructions="Be brief.", temperature=0.5)
    assert response.model == "gpt-test-demo"
    assert response.instructions == "Be brief."
    assert response.temperature == 0.5
    assert response.tools[0].type == "function"
    assert response.status == "completed"
    assert isinstance(response.output[0], ResponseFunctionToolCall)
    assert response._request_id is not None
    Response.model_validate(response.model_dump())


async def test_usage_grows_with_the_input(client: AsyncOpenAI) -> None:
    short = await client.responses.create(**turn("hello"))
    long = await client.responses.create(**turn("hello " + "word " * 800))
    assert short.usage is not None
    assert long.usage is not None
    assert long.usage.input_tokens - short.usage.input_tokens == pytest.approx(1000, abs=5)
    assert short.usage.total_tokens == short.usage.input_tokens + short.usage.output_tokens


async def test_ids_are_new_in_every_response(client: AsyncOpenAI) -> None:
    responses = [await client.responses.create(**turn("Create a triage agent")) for _ in range(2)]
    calls = [response.output[0] for response in responses]
    assert isinstance(calls[0], ResponseFunctionToolCall)
    assert isinstance(calls[1], ResponseFunctionToolCall)
    ids = {calls[0].id, calls[1].id, calls[0].call_id, calls[1].call_id, responses[0].id, responses[1].id}
    assert len(ids) == 6


async def test_the_evaluator_gets_json(client: AsyncOpenAI) -> None:
    response = await client.responses.create(**review_request("Create a triage agent"))
    assert json.loads(response.output_text)["approved"] is True


class Verdict(BaseModel):
    approved: bool
    reasoning: str
    commit_message: str


async def test_the_agents_sdk_runs_a_turn_to_its_end(client: AsyncOpenAI) -> None:
    workflow = Workflow(START)
    said, items = await run(coder(client, workflow), [context(START), user("Create a triage agent")])
    assert said == "I created triage_agent."
    assert "triage_agent = Agent(" in workflow.code
    ast.parse(workflow.code)
    assert [item.get("type", item.get("role")) for item in items[2:]] == [
        "function_call",
        "function_call_output",
        "message",
    ]


async def test_the_agents_sdk_sends_the_history_that_says_what_it_is(client: AsyncOpenAI) -> None:
    first = Workflow(TWO_AGENTS)
    _, history = await run(coder(client, first), [context(TWO_AGENTS), user("Let billing hand off to triage")])
    second = Workflow(first.code)
    said, _ = await run(coder(client, second), [*history, context(first.code), user("Make it Spanish")])
    assert said == "billing_agent now always answers in Spanish."
    assert "You help with bills. Always answer in Spanish." in second.code


async def test_the_agents_sdk_corrects_a_rejected_patch(client: AsyncOpenAI) -> None:
    first, second = Workflow(START), Workflow(START)
    _, history = await run(coder(client, first), [context(START), user("Create a triage agent")])
    said, _ = await run(coder(client, second), [*history, context(START), rejection("Too thin.")])
    assert said == "I created triage_agent. I followed the review."
    assert second.code not in (START, first.code)


async def test_the_agents_sdk_reads_the_review(client: AsyncOpenAI) -> None:
    model = OpenAIResponsesModel(model="gpt-test", openai_client=client)
    agent = Agent[None]("Evaluator", model=model, output_type=Verdict)
    text = review_request("Create a triage agent (reject once)")["input"][0]["content"]
    result = await Runner.run(agent, text, run_config=RunConfig(tracing_disabled=True))
    assert isinstance(result.final_output, Verdict)
    assert result.final_output.approved is False


async def test_a_long_conversation_is_answered(client: AsyncOpenAI) -> None:
    history = [user(f"message {number}") for number in range(2_000)]
    response = await client.responses.create(**turn("Make it Spanish", TWO_AGENTS, history=history))
    assert isinstance(response.output[0], ResponseFunctionToolCall)


@pytest.mark.parametrize("path", ["/faults", "/counts", "/requests/last", "/health", "/v1/models"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_the_server_of_make_run_answers_model_calls_and_nothing_else(
    base_url: str, method: str, path: str
) -> None:
    async with httpx.AsyncClient(base_url=base_url.removesuffix("/v1")) as http:
        assert (await http.request(method, path)).status_code == 404


async def test_it_thinks_and_then_pauses_after_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(server, "asyncio", SimpleNamespace(sleep=sleep))
    async with run_demo_model(0.04) as url, AsyncOpenAI(base_url=url, api_key="none") as client:
        events = await streamed(client, turn("hello"))
    pieces = [event for event in events if event["type"].endswith(".delta")]
    assert len(pieces) > 5
    assert pauses == [0.04 * 15, *(0.04 for _ in pieces)]

"""What a planned fault does to a call, as a client of the API meets it."""

import asyncio
import json

import httpx
import openai
import pytest
from agents import RunConfig, Runner
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError
from openai import AsyncOpenAI
from openai.types.responses import ResponseFunctionToolCall

from backend.local.demo_model.response import Json
from tests.local.coder import Workflow, coder, run
from tests.local.demo_calls import START, context, review_request, turn, user
from tests.model_server.server import ModelServer

CREATE = turn("Create a triage agent")


async def events_until_error(client: AsyncOpenAI, body: Json) -> tuple[list[str], Exception | None]:
    """The types of the events that came, and the error that ended them."""
    seen: list[str] = []
    try:
        async for event in await client.responses.create(**body, stream=True):
            seen.append(event.type)  # noqa: PERF401  (what came before the error counts)
    except (openai.OpenAIError, ValueError) as error:
        return seen, error
    return seen, None


async def test_a_status_is_an_error_of_the_api(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "status", "status": 429, "retry_after": 7, "code": "insufficient_quota"})
    with pytest.raises(openai.RateLimitError) as caught:
        await client.responses.create(**CREATE)
    assert caught.value.code == "insufficient_quota"
    assert caught.value.response.headers["retry-after"] == "7"
    assert (await client.responses.create(**CREATE)).status == "completed"
    assert (server.counts()["faults"], server.counts()["served"]) == (1, 1)


async def test_a_fault_skips_calls_and_hits_only_its_agent(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "status", "skip": 1, "times": 2, "agent": "vibecoder"})
    statuses: list[str | None] = []
    for body in (CREATE, review_request("x"), CREATE, review_request("x"), CREATE, CREATE):
        try:
            statuses.append((await client.responses.create(**body)).status)
        except openai.InternalServerError as error:
            statuses.append(str(error.status_code))
    assert statuses == ["completed", "completed", "500", "completed", "500", "completed"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_connection_cut_before_the_first_event(server: ModelServer, client: AsyncOpenAI, stream: bool) -> None:
    server.add_faults({"kind": "cut_before"})
    with pytest.raises(openai.APIConnectionError):
        await client.responses.create(**CREATE, stream=stream)


async def test_a_connection_cut_after_the_headers(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "cut_before", "after_headers": True})
    seen, error = await events_until_error(client, CREATE)
    assert seen == []
    assert isinstance(error, openai.APIConnectionError)


async def test_a_connection_cut_in_the_middle(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "cut_mid_stream"})
    seen, error = await events_until_error(client, CREATE)
    assert seen[-2:] == ["response.function_call_arguments.delta"] * 2
    assert isinstance(error, openai.APIConnectionError)


async def test_a_stream_that_ends_without_an_end(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "clean_eof"})
    seen, error = await events_until_error(client, CREATE)
    assert seen[-1] == "response.output_item.done"
    assert error is None
    assert server.counts()["served"] == 0


async def test_a_stream_with_a_line_that_is_not_json(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "malformed_json"})
    _, error = await events_until_error(client, CREATE)
    assert isinstance(error, json.JSONDecodeError)


async def test_a_stream_with_an_error_event(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "error_event"})
    seen, _ = await events_until_error(client, CREATE)
    assert seen[-1] == "error"


@pytest.mark.parametrize("kind", ["incomplete", "failed"])
@pytest.mark.parametrize("request_text", ["Create a triage agent", "hello"])
async def test_a_response_that_does_not_complete_has_its_usage(
    server: ModelServer, client: AsyncOpenAI, kind: str, request_text: str
) -> None:
    server.add_faults({"kind": kind, "times": 2})
    seen, _ = await events_until_error(client, turn(request_text))
    assert seen[-1] == f"response.{kind}"
    response = await client.responses.create(**turn(request_text))
    assert response.status == kind
    assert response.usage is not None
    assert server.counts()["tokens"] == 2 * response.usage.total_tokens
    assert server.counts()["served"] == 0


async def test_a_stall_ends_when_the_client_goes_away(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "stall"})
    async with await client.responses.create(**CREATE, stream=True) as events:
        assert (await anext(aiter(events))).type == "response.created"
    assert (await client.responses.create(**CREATE)).status == "completed"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_stall_ends_when_the_server_stops(stream: bool) -> None:
    async with AsyncOpenAI(base_url="http://127.0.0.1/v1", api_key="none", max_retries=0) as client:
        async with asyncio.timeout(5):
            async with ModelServer() as server:
                client.base_url = server.base_url
                server.add_faults({"kind": "stall"})
                call = asyncio.create_task(events_until_error(client, CREATE) if stream else complete(client))
                async with httpx.AsyncClient(base_url=server.root_url) as http:
                    while (await http.get("/counts")).json()["faults"] == 0:
                        pass
            error = (await call)[1]
    assert isinstance(error, openai.APIConnectionError)


async def complete(client: AsyncOpenAI) -> tuple[list[str], Exception | None]:
    try:
        await client.responses.create(**CREATE)
    except openai.OpenAIError as error:
        return [], error
    return [], None


@pytest.mark.parametrize("kind", ["cut_mid_stream", "clean_eof", "malformed_json", "error_event"])
async def test_faults_of_a_stream_hit_a_response_that_is_not_streamed_too(server: ModelServer, kind: str) -> None:
    server.add_faults({"kind": kind})
    async with httpx.AsyncClient(base_url=server.root_url) as http:
        if kind == "cut_mid_stream":
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post("/v1/responses", json=CREATE)
            return
        answer = await http.post("/v1/responses", json=CREATE)
    if kind == "error_event":
        assert answer.status_code == 500
        return
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_huge_output_has_the_length_that_was_asked_for(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "huge_output", "bytes": 100_000}, {"kind": "huge_output", "skip": 1})
    assert len((await client.responses.create(**CREATE)).output_text) == 100_000
    seen, _ = await events_until_error(client, CREATE)
    assert seen.count("response.output_text.delta") == 250


async def test_a_review_that_is_no_json(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "bad_review", "agent": "evaluator"})
    text = (await client.responses.create(**review_request("x"))).output_text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


async def test_a_tool_that_does_not_exist_is_called(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "unknown_tool"})
    with pytest.raises(ModelBehaviorError):
        await run(coder(client, Workflow(START)), [context(START), user("Create a triage agent")])


async def test_a_bad_patch_is_refused_and_then_corrected(server: ModelServer, client: AsyncOpenAI) -> None:
    server.add_faults({"kind": "bad_patch"})
    workflow = Workflow(START)
    said, items = await run(coder(client, workflow), [context(START), user("Create a triage agent")])
    outputs = [item["output"] for item in items if item.get("type") == "function_call_output"]
    assert outputs[0].startswith("Refused")
    assert outputs[1:] == ["Accepted."]
    assert said == "I created triage_agent."
    assert "triage_agent = Agent(" in workflow.code


@pytest.mark.parametrize("request_text", ["Create a triage agent", "hello"])
async def test_a_tool_loop_never_ends(server: ModelServer, client: AsyncOpenAI, request_text: str) -> None:
    server.add_faults({"kind": "tool_loop", "times": 1_000})
    agent, items = coder(client, Workflow(START)), [context(START), user(request_text)]
    with pytest.raises(MaxTurnsExceeded):
        await Runner.run(agent, items, max_turns=4, run_config=RunConfig(tracing_disabled=True))  # type: ignore[arg-type]
    assert server.counts()["calls"] == 4


async def test_faults_can_be_planned_and_cleared_over_http(server: ModelServer, client: AsyncOpenAI) -> None:
    async with httpx.AsyncClient(base_url=server.root_url) as http:
        planned = await http.post("/faults", json=[{"kind": "stall", "times": 3}, {"kind": "failed"}])
        assert planned.json() == {"faults": 2}
        assert (await http.delete("/faults")).json() == {"faults": 0}
    assert isinstance((await client.responses.create(**CREATE)).output[0], ResponseFunctionToolCall)


@pytest.mark.parametrize(
    "planned",
    [
        "{",
        "{}",
        "[3]",
        "[{}]",
        '[{"kind": "flood"}]',
        '[{"kind": "stall", "when": 1}]',
        '[{"kind": "stall", "skip": -1}]',
    ],
)
async def test_a_fault_that_is_none_is_refused(server: ModelServer, planned: str) -> None:
    async with httpx.AsyncClient(base_url=server.root_url) as http:
        answer = await http.post("/faults", content=planned)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]

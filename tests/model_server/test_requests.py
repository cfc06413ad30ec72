"""What the model server refuses, and what it says of the calls it got."""

import httpx
import pytest
from openai import AsyncOpenAI

from tests.local.demo_calls import review_request, turn


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"input": "hi"}', "model"),
        (b'{"model": "m"}', "input"),
        (b'{"model": "m", "input": 3}', "input"),
        (b'{"model": "m", "input": ["hi"]}', "input"),
        (b'{"model": "m", "input": "hi", "stream": "yes"}', "stream"),
        (b'{"model": "m", "input": "hi", "previous_response_id": "resp_1"}', "previous_response_id"),
    ],
)
async def test_a_bad_body_gets_an_error_like_that_of_the_api(
    http: httpx.AsyncClient, sent: bytes, param: str | None
) -> None:
    answer = await http.post("/v1/responses", content=sent)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param
    assert answer.headers["x-request-id"].startswith("req_")


async def test_counts_and_the_last_request_can_be_read(http: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    assert (await http.get("/requests/last")).json() is None
    response = await client.responses.create(**turn("hello"))
    async for _ in await client.responses.create(**review_request("Create a triage agent"), stream=True):
        pass
    counts = (await http.get("/counts")).json()
    assert (counts["calls"], counts["served"], counts["faults"]) == (2, 2, 0)
    assert response.usage is not None
    assert counts["tokens"] > response.usage.total_tokens
    assert counts["requests"] == [
        {"agent": "vibecoder", "items": 2, "stream": False},
        {"agent": "evaluator", "items": 1, "stream": True},
    ]
    assert (await http.get("/requests/last")).json()["text"]["format"]["type"] == "json_schema"
    assert (await http.get("/v1/models")).status_code == 404

"""The event log over HTTP."""

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from shared.event_size import fit_event
from tests.api.conftest import Json, get, problem_of, send
from tests.contract.builders import claim, complete, fail, record_response
from tests.contract.event_builders import iteration_event, started_event
from tests.manual_time import ManualClock

DAY = 24 * 60 * 60
EVENT_FIELDS = {"type", "event_id", "seq", "attempt", "session_id", "project_id", "message_id", "created_at", "href"}
FIELDS_OF_TYPE = {
    "message_started": {"prompt"},
    "token_usage": {
        *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"),
        *("model", "agent", "iteration", "response_id"),
    },
    "agent_iteration": {"agent", "iteration", "content", "patch_preview", "approved"},
    "vibecode_response": {
        *("patch", "content", "token_usage", "status"),
        *("iterations", "base_version", "version"),
    },
    "message_failed": {"code", "detail", "token_usage"},
    "message_cancelled": {"code", "detail", "token_usage"},
}


async def events(client: httpx.AsyncClient, session_id: str, query: str = "") -> Json:
    return await get(client, f"/sessions/{session_id}/events{query}")


async def log_iterations(client: httpx.AsyncClient, engine: LocalEngine, session_id: str, *contents: str) -> None:
    """Log one event for each content; all belong to one running message."""
    turn = await claim(engine, (await send(client, session_id))["message_id"])
    for content in contents:
        await engine.turns.append_event(turn, iteration_event(engine, turn, content))


async def test_a_session_begins_with_an_empty_log(client: httpx.AsyncClient, session_id: str) -> None:
    assert await events(client, session_id) == {
        "session_id": session_id,
        "events": [],
        "last_seq": 0,
        "truncated": False,
    }


async def test_the_log_has_every_field_of_each_event(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str, session_id: str
) -> None:
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    await engine.turns.append_event(turn, started_event(engine, turn))
    await record_response(engine, turn)
    await engine.turns.append_event(turn, iteration_event(engine, turn))
    await complete(engine, turn)
    await fail(engine, await claim(engine, (await send(client, session_id))["message_id"]))
    await client.post(f"/messages/{(await send(client, session_id))['message_id']}/cancel")
    log = await events(client, session_id)
    assert [event["type"] for event in log["events"]] == list(FIELDS_OF_TYPE)
    assert [event["seq"] for event in log["events"]] == [1, 2, 3, 4, 5, 6]
    for event in log["events"]:
        assert set(event) == EVENT_FIELDS | FIELDS_OF_TYPE[event["type"]]
        assert (event["session_id"], event["project_id"]) == (session_id, project_id)
    assert log["events"][0]["message_id"] == message["message_id"]
    assert (log["last_seq"], log["truncated"]) == (6, False)


@pytest.mark.parametrize(
    ("after", "seqs"), [(0, [1, 2, 3, 4]), (1, [2, 3, 4]), (3, [4]), (4, []), (5, []), (2**53, [])]
)
async def test_only_events_after_a_number_are_given(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, after: int, seqs: list[int]
) -> None:
    await log_iterations(client, engine, session_id, "one", "two", "three", "four")
    log = await events(client, session_id, f"?after={after}")
    assert [event["seq"] for event in log["events"]] == seqs
    assert (log["last_seq"], log["truncated"]) == (4, False)


async def test_the_log_is_read_in_pages_by_the_last_number(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    await log_iterations(client, engine, session_id, "one", "two", "three")
    first = await events(client, session_id, "?limit=2")
    second = await events(client, session_id, f"?limit=2&after={first['events'][-1]['seq']}")
    assert [event["content"] for log in (first, second) for event in log["events"]] == ["one", "two", "three"]
    assert [log["last_seq"] for log in (first, second)] == [3, 3]


@pytest.mark.parametrize("character", ["x", "漢"])
async def test_a_page_of_events_ends_at_4_mb(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, character: str
) -> None:
    content = character * (190_000 // len(character.encode()))
    await log_iterations(client, engine, session_id, *[content] * 25)
    seqs: list[int] = []
    while len(seqs) < 25:
        answer = await client.get(f"/sessions/{session_id}/events?after={len(seqs)}")
        assert len(answer.content) <= 4_010_000
        seqs += [event["seq"] for event in answer.json()["events"]]
    assert seqs == list(range(1, 26))


@pytest.mark.parametrize("character", ["x", "漢"])
async def test_an_event_of_over_200_kb_loses_its_largest_field(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, character: str
) -> None:
    turn = await claim(engine, (await send(client, session_id))["message_id"])
    fitting = iteration_event(engine, turn, character * (199_000 // len(character.encode())))
    assert fit_event(fitting, "/messages/x") == fitting
    large = iteration_event(engine, turn, character * (201_000 // len(character.encode())))
    assert fit_event(large, "/messages/x") == large.model_copy(update={"content": None, "href": "/messages/x"})


async def test_events_are_kept_for_seven_days(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, clock: ManualClock
) -> None:
    await log_iterations(client, engine, session_id, "one", "two")
    clock.advance(7 * DAY - 1)
    log = await events(client, session_id)
    assert (len(log["events"]), log["truncated"]) == (2, False)


async def test_the_log_says_that_events_have_expired(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, clock: ManualClock
) -> None:
    await log_iterations(client, engine, session_id, "one", "two")
    clock.advance(8 * DAY)
    log = await events(client, session_id)
    assert (log["events"], log["last_seq"], log["truncated"]) == ([], 2, True)
    assert (await events(client, session_id, "?after=1"))["truncated"] is True
    assert (await events(client, session_id, "?after=2"))["truncated"] is False


async def test_numbers_continue_after_events_have_expired(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, clock: ManualClock
) -> None:
    await log_iterations(client, engine, session_id, "one", "two")
    clock.advance(8 * DAY)
    await log_iterations(client, engine, session_id, "three")
    log = await events(client, session_id)
    assert ([event["seq"] for event in log["events"]], log["last_seq"], log["truncated"]) == ([3], 3, True)
    assert (await events(client, session_id, "?after=2"))["truncated"] is False


@pytest.mark.parametrize("after", ["-1", "abc", "", "1.5", "1e3", "²", str(2**60), "9" * 5_000])
async def test_an_event_number_that_cannot_exist_is_refused(
    client: httpx.AsyncClient, session_id: str, after: str
) -> None:
    problem_of(await client.get(f"/sessions/{session_id}/events", params={"after": after}), 422, "invalid_request")


@pytest.mark.parametrize("limit", ["0", "201", "abc"])
async def test_a_page_holds_1_to_200_events(client: httpx.AsyncClient, session_id: str, limit: str) -> None:
    problem_of(await client.get(f"/sessions/{session_id}/events?limit={limit}"), 422, "invalid_request")

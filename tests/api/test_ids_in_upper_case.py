"""An id in upper case is the same id (RFC 9562): in every path, in bodies and in errors."""

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from shared.access import canonical_id
from tests.api.conftest import get, json_of, post_message, problem_of, send
from tests.api.routes import OWNER_ROUTES, ROUTES_OF_AN_ID, Route, name_of

# With letters whatever the ids of a test are.
MESSAGE_ID = "6F9619FF-8B86-4D01-B42D-00C04FC964FF"
UNKNOWN = "01900000-0000-7000-8000-FFFFFFFFFFFF"


@pytest.mark.parametrize("route", [*ROUTES_OF_AN_ID, *OWNER_ROUTES], ids=name_of)
async def test_every_route_takes_ids_in_upper_case_and_answers_with_them_in_lower_case(
    client: httpx.AsyncClient, project_id: str, session_id: str, route: Route
) -> None:
    message = await send(client, session_id, message_id=MESSAGE_ID)
    ids = {"project_id": project_id, "session_id": session_id, "message_id": message["message_id"]}
    answer = await route.call(client, **{name: value.upper() for name, value in ids.items()})
    assert answer.is_success, answer.text
    sent = answer.text + answer.headers.get("Location", "")
    assert not any(value.upper() in sent for value in ids.values() if value.upper() != value)
    assert any(value in sent for value in ids.values())


async def test_a_message_sent_by_an_id_in_upper_case_is_found_sent_again_and_cancelled_by_it(
    client: httpx.AsyncClient, session_id: str
) -> None:
    sent = await send(client, session_id.upper(), message_id=MESSAGE_ID)
    assert sent["message_id"] == MESSAGE_ID.lower()
    assert await send(client, session_id, message_id=MESSAGE_ID.lower()) == sent
    for path in ("", "/full"):
        assert (await get(client, f"/messages/{MESSAGE_ID}{path}"))["message_id"] == MESSAGE_ID.lower()
    assert json_of(await client.post(f"/messages/{MESSAGE_ID}/cancel"), 200)["status"] == "cancelled"


async def test_an_idempotency_key_ignores_the_case_of_its_session_id(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    sent = await send(client, session_id, key="key-1")
    assert await send(client, session_id.upper(), key="key-1") == sent
    assert (await get(client, f"/sessions/{session_id.upper()}/messages"))["count"] == 1


async def test_a_refusal_names_the_session_in_lower_case(client: httpx.AsyncClient) -> None:
    problem = problem_of(await post_message(client, UNKNOWN), 404, "session_not_found")
    assert problem["session_id"] == UNKNOWN.lower()
    answer = await client.post(f"/sessions/{UNKNOWN}/messages", json={})
    assert problem_of(answer, 422, "invalid_request")["session_id"] == UNKNOWN.lower()


@pytest.mark.parametrize(
    "text", ["", "P", "Project-1", "6F9619FF8B864D01B42D00C04FC964FF", f"{{{MESSAGE_ID}}}", f"{MESSAGE_ID}\n", "İ" * 36]
)
def test_other_text_than_a_uuid_is_unchanged(text: str) -> None:
    assert canonical_id(text) == text

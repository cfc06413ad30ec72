"""Each HTTP function as it is deployed: API Gateway's events in, complete responses out."""

import base64
import json
from typing import Any

import pytest

from backend.app.api.application import ALL_ROUTES
from backend.app.api.route import Route
from tests.api.routes import id_kind
from tests.emulator.conftest import Start
from tests.emulator.emulator import EmulatedFunction, FunctionDiedError
from tests.emulator.world import World
from tests.functions.lambda_events import Json, http_event, json_of

_STATUS = {"send_message": 202}  # it does not wait for the message's end


@pytest.fixture
def ids(world: World) -> dict[str, Any]:
    session_id = world.start_session()
    message_id = world.send(session_id)
    return {"project_id": world.message(message_id).project_id, "session_id": session_id, "message_id": message_id}


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: route.name)
def test_the_artifact_answers_whom_it_should(start: Start, world: World, ids: dict[str, Any], route: Route) -> None:
    name = route.name
    with start(name) as function:
        good = http_event(name, token=world.issuer.token("ann"), **ids)
        if route.needs_token:
            refused = function.invoke(http_event(name, token="x.y.z", **ids))
            check_problem(refused, 401, "invalid_token")
            expired = http_event(name, token=world.issuer.token("ann", life=-60), **ids)
            check_problem(function.invoke(expired), 401, "invalid_token")
        if kind := id_kind(route.path):
            stranger = http_event(name, token=world.issuer.token("stranger"), **ids)
            check_problem(function.invoke(stranger), 404, f"{kind}_not_found")
        body = json_of(function.invoke(good), _STATUS.get(name, route.status_code))
        assert body
        check_lines(function, name)
        print(f"\n{name}: cold start {function.cold_start_ms:.0f} ms")


def check_problem(answer: Json, status: int, code: str) -> None:
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert not answer["isBase64Encoded"]
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)


def check_lines(function: EmulatedFunction, name: str) -> None:
    """What was printed is JSON: a line for the request, and its metrics."""
    function.output.wait_for('"Requests2xx":')
    logged = [line for line in function.logged() if line.get("function") == name and "level" in line]
    assert logged[-1]["function_request_id"]
    assert "Traceback" not in function.output.text


def test_a_body_in_base64_a_query_and_a_refused_body(start: Start, world: World) -> None:
    token = world.issuer.token("ann")
    with start("create_project") as function:
        event = http_event("create_project", body={"name": "Wetter ☂"}, in_base64=True, token=token)
        assert base64.b64decode(event["body"])
        assert json_of(function.invoke(event), 201)["name"] == "Wetter ☂"
        check_problem(function.invoke(http_event("create_project", text="{", token=token)), 400, "malformed_json")
        check_problem(function.invoke(http_event("create_project", body={}, token=token)), 422, "invalid_request")
    with start("list_projects") as function:
        event = http_event("list_projects", query="limit=0", token=token)
        check_problem(function.invoke(event), 422, "invalid_request")
        assert len(json_of(function.invoke(http_event("list_projects", token=token)), 200)["projects"]) == 1


def test_a_function_with_wrong_settings_does_not_start_and_names_them(start: Start) -> None:
    wrong = {"VIBEWIRE_TABLE_NAME": "", "VIBEWIRE_WAIT_SECONDS": "long"}
    with start("get_session", **wrong) as function, pytest.raises(FunctionDiedError) as died:
        function.invoke(http_event("get_session"))
    assert "InvalidSettingsError" in str(died.value)
    for name in wrong:
        assert name in str(died.value)


def test_traces_cost_nothing_but_where_they_are_wanted(start: Start, world: World, ids: dict[str, Any]) -> None:
    event = http_event("get_session", token=world.issuer.token("ann"), **ids)
    with start("get_session", VIBEWIRE_TRACER="true", POWERTOOLS_TRACE_DISABLED="true") as function:
        assert function.invoke(event)["statusCode"] == 200

"""The documents of the API and of the socket: the committed files match the code, and are valid."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter

from backend.app.api.application import ALL_ROUTES
from backend.app.api.problem_codes import PROBLEM_CODES
from backend.contracts.api_examples import api_examples
from backend.contracts.documents import FOLDER, REFERENCE, outdated_files
from backend.contracts.problems import CODES_OF_NO_CALL
from backend.contracts.socket_examples import event_examples, model_of_event, request_examples
from backend.local.event_client import EVENT_NAMES
from backend.relay.subscription import parse_subscription, parse_unsubscription
from shared.events import LiveEvent, LoggedEvent, logged_event_adapter

Json = dict[str, Any]

OPENAPI: Json = json.loads((FOLDER / "openapi.json").read_text())
ASYNCAPI: Json = json.loads((FOLDER / "asyncapi.json").read_text())


def calls() -> dict[str, Json]:
    return {call["operationId"]: call for path in OPENAPI["paths"].values() for call in path.values()}


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def has(document: Json, reference: str) -> bool:
    place: Any = document
    for name in reference.removeprefix("#/").split("/"):
        if name not in place:
            return False
        place = place[name]
    return True


def test_the_committed_documents_and_types_match_the_code() -> None:
    assert outdated_files() == [], "run `make contracts`"


def test_the_api_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(OPENAPI).iter_errors()) == []


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_every_reference_of_a_document_leads_somewhere(document: Json) -> None:
    assert [one for one in references(document) if not has(document, one)] == []


def test_every_route_is_in_the_document_under_its_own_name() -> None:
    assert set(calls()) == {route.name for route in ALL_ROUTES}


def test_every_call_but_health_requires_a_token() -> None:
    assert [name for name, call in calls().items() if call["security"] == []] == ["get_health"]
    assert all("401" in call["responses"] for name, call in calls().items() if name != "get_health")


def test_every_problem_code_is_listed_with_a_call_that_answers_it() -> None:
    listed = {
        code
        for call in calls().values()
        for answer in call["responses"].values()
        for code in answer["content"].get("application/problem+json", {}).get("examples", {})
    }
    assert listed == set(PROBLEM_CODES) - CODES_OF_NO_CALL


@pytest.mark.parametrize("code", OPENAPI["components"]["examples"])
def test_the_example_of_a_problem_is_valid(code: str) -> None:
    problem = OPENAPI["components"]["examples"][code]["value"]
    Draft202012Validator(OPENAPI["components"]["schemas"]["Problem"]).validate(problem)
    assert problem["code"] == code


@pytest.mark.parametrize("name", api_examples())
def test_the_example_of_a_body_fits_its_schema(name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": OPENAPI["components"]}
    Draft202012Validator(schema).validate(OPENAPI["components"]["schemas"][name]["examples"][0])


def test_every_request_and_response_body_has_an_example() -> None:
    models = {
        reference.rpartition("/")[2]
        for call in calls().values()
        for reference in references([call.get("requestBody"), call["responses"]])
        if "/schemas/" in reference
    }
    # Problem has an example for each code; ResponsePart is only sent for a response over 4 MB.
    assert {name for name in models if "examples" not in OPENAPI["components"]["schemas"][name]} == {
        "Problem",
        "ResponsePart",
    }


@pytest.mark.parametrize("name", ASYNCAPI["components"]["messages"])
def test_the_examples_of_a_message_fit_its_schema(name: str) -> None:
    message = ASYNCAPI["components"]["messages"][name]
    schema = {**message["payload"], "components": ASYNCAPI["components"]}
    assert message["examples"]
    for example in message["examples"]:
        Draft7Validator(schema).validate(example["payload"])


@pytest.mark.parametrize(("name", "payloads"), event_examples().items())
def test_the_examples_of_an_event_survive_a_round_trip_through_its_model(name: str, payloads: list[Json]) -> None:
    for payload in payloads:
        event = model_of_event(name).model_validate_json(json.dumps(payload))
        assert event.model_dump(mode="json") == payload


def test_the_document_lists_exactly_the_events_of_the_code() -> None:
    schema = TypeAdapter(LoggedEvent | LiveEvent).json_schema()
    kinds = {model["properties"]["type"]["const"] for name, model in schema["$defs"].items() if name.endswith("Event")}
    sent = {name for name, one in ASYNCAPI["operations"].items() if one["action"] == "send"}
    assert sent == kinds | {"access_lost"} == set(EVENT_NAMES)


def test_the_examples_of_logged_events_are_read_by_the_log() -> None:
    for payload in api_examples()["EventList"]["events"]:
        assert logged_event_adapter.validate_python(payload).seq == payload["seq"]


def test_the_relay_accepts_the_examples_of_requests() -> None:
    for payload in request_examples()["subscribe"]:
        assert parse_subscription([payload]).after == payload["after"]
    for payload in request_examples()["unsubscribe"]:
        assert parse_unsubscription([payload]).project_id == payload["project_id"]


def test_the_document_lists_exactly_the_codes_that_the_relay_refuses_with() -> None:
    code = "\n".join(path.read_text() for path in (FOLDER.parent / "relay").glob("*.py"))
    schemas = ASYNCAPI["components"]["schemas"]
    refused = set(re.findall(r'\brefusal\(\s*"(\w+)"', code))
    assert refused == set(schemas["Refusal"]["properties"]["code"]["enum"])
    assert set(re.findall(r'_connect_error\(\s*"(\w+)"', code)) == set(
        schemas["ConnectErrorData"]["properties"]["code"]["enum"]
    )


def test_the_limits_page_says_when_each_code_of_the_relay_is_sent() -> None:
    schemas = ASYNCAPI["components"]["schemas"]
    codes = {code for name in ("Refusal", "ConnectErrorData") for code in schemas[name]["properties"]["code"]["enum"]}
    page = (REFERENCE / "limits.md").read_text()
    assert {code for code in codes if code not in page} == set()


def test_the_reference_has_a_section_for_every_call_and_every_event() -> None:
    api, events = ((REFERENCE / name).read_text() for name in ("api.md", "events.md"))
    assert {route.name for route in ALL_ROUTES if f"### `{route.method} {route.path}`\n" not in api} == set()
    assert {name for name in EVENT_NAMES if f"### `{name}`\n" not in events} == set()


def test_no_example_holds_a_secret_or_an_address_of_this_machine() -> None:
    for document in (OPENAPI, ASYNCAPI):
        text = json.dumps(document)
        assert re.findall(r"sk-[A-Za-z0-9]|/root/|/home/", text) == []

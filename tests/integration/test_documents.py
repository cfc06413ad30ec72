"""The responses and events of a running server match its documents."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from backend.app.api.application import ALL_ROUTES
from backend.contracts.documents import FOLDER
from tests.watcher import Watcher

Json = dict[str, Any]

OPENAPI: Json = json.loads((FOLDER / "openapi.json").read_text())
ASYNCAPI: Json = json.loads((FOLDER / "asyncapi.json").read_text())


def check_answer(name: str, answer: httpx.Response) -> None:
    """Hold an answer against what the document says of that call."""
    call = next(one for path in OPENAPI["paths"].values() for one in path.values() if one["operationId"] == name)
    documented = call["responses"][str(answer.status_code)]
    content = documented["content"][answer.headers["Content-Type"]]
    Draft202012Validator({**content["schema"], "components": OPENAPI["components"]}).validate(answer.json())
    if answer.is_error:
        assert answer.json()["code"] in content["examples"]
    assert [header for header in documented.get("headers", {}) if header not in answer.headers] == []


def check_message(name: str, payload: Json) -> None:
    """Hold what came over the socket against what the document says of it."""
    message = ASYNCAPI["components"]["messages"][name]
    Draft7Validator({**message["payload"], "components": ASYNCAPI["components"]}).validate(payload)


async def test_the_server_gives_the_committed_document(http: httpx.AsyncClient) -> None:
    served = (await http.get("/openapi.json")).json()
    for path in served["paths"].values():
        for call in path.values():
            # This server has no identity settings: it takes a token, and needs none.
            if call["security"]:
                assert call["security"] == [{}, {"bearer": []}]
                call["security"] = [{"bearer": []}]
    assert served == OPENAPI


async def test_every_route_answers_its_example_as_documented(http: httpx.AsyncClient) -> None:
    created = await http.post("/projects", json={"name": "Customer support"})
    check_answer("create_project", created)
    project_id = created.json()["project_id"]
    started = await http.post(f"/projects/{project_id}/sessions", json={"node_id": "assistant"})
    check_answer("start_session", started)
    session_id = started.json()["session_id"]
    messages = f"/sessions/{session_id}/messages"
    waiting = await http.post(messages, json={"prompt": "Hello"}, headers={"Prefer": "respond-async"})
    sent = await http.post(messages, json={"prompt": "Create a triage agent"})
    assert (waiting.status_code, sent.status_code) == (202, 200)
    check_answer("send_message", waiting)
    check_answer("send_message", sent)
    ids = {"project_id": project_id, "session_id": session_id, "message_id": waiting.json()["message_id"]}
    # A session is deleted before its project.
    for route in sorted(ALL_ROUTES, key=lambda one: (one.method == "DELETE", one.path.startswith("/projects"))):
        body = {**(route.example or {}), "base_version": 2} if route.name == "update_project" else route.example
        answer = await http.request(route.method, route.path.format(**ids), json=body)
        assert answer.is_success, (route.name, answer.text)
        check_answer(route.name, answer)


async def test_refusals_are_as_documented(http: httpx.AsyncClient, project_id: str, session_id: str) -> None:
    nowhere = str(uuid4())
    messages = f"/sessions/{session_id}/messages"
    both = {"prompt": "Hi", "message_id": str(uuid4())}
    refused = [
        ("get_project", await http.get(f"/projects/{nowhere}")),
        ("get_project", await http.get(f"/projects/{project_id}", params={"version": 9})),
        ("list_projects", await http.get("/projects", params={"limit": 0})),
        ("list_projects", await http.get("/projects", params={"cursor": "none"})),
        ("create_project", await http.post("/projects", json={"name": "Bad", "code": "def"})),
        ("create_project", await http.post("/projects", content=b"{", headers={"Content-Type": "application/json"})),
        ("create_project", await http.post("/projects", json={"name": "Big", "code": "#" * 300_000})),
        ("update_project", await http.patch(f"/projects/{project_id}", json={"code": "a = 1"})),
        ("update_project", await http.patch(f"/projects/{project_id}", json={"code": "a = 1", "base_version": 7})),
        ("start_session", await http.post(f"/projects/{project_id}/sessions", json={"node_id": "../x"})),
        ("get_session", await http.get(f"/sessions/{nowhere}")),
        ("send_message", await http.post(messages, json={})),
        ("send_message", await http.post(messages, json={"prompt": " "})),
        ("send_message", await http.post(messages, json={"prompt": "x" * 40_000})),
        ("send_message", await http.post(messages, json=both, headers={"Idempotency-Key": "1"})),
        ("get_message", await http.get(f"/messages/{nowhere}")),
    ]
    for name, answer in refused:
        assert answer.is_client_error, (name, answer.text)
        check_answer(name, answer)


async def test_what_the_relay_sends_is_as_documented(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    check_message("subscribe_ack", await watcher.subscribe(project_id))
    sent = await http.post(f"/sessions/{session_id}/messages", json={"prompt": "Create a triage agent"})
    assert sent.status_code == 200
    await watcher.wait_for("code_changed")
    check_message("unsubscribe_ack", await watcher.call("unsubscribe", {"project_id": project_id}))
    for event in watcher.events:
        check_message(event["type"], event)
    assert {"message_queued", "text_delta", "vibecode_response"} <= {event["type"] for event in watcher.events}


@pytest.mark.parametrize("payload", [{}, {"project_id": "nowhere"}, {"project_id": 1}, [1]])
async def test_a_refused_subscription_is_as_documented(watcher: Watcher, payload: object) -> None:
    answer = await watcher.call("subscribe", payload)
    assert answer["ok"] is False
    check_message("subscribe_ack", answer)

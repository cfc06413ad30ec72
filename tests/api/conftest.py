"""The HTTP API in this process, over the engine under test, as several users have it; no worker runs."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.app.api.services import Services
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from shared.identity import Identity
from tests.application import application_of

Json = dict[str, Any]

RESPOND_ASYNC = {"Prefer": "respond-async"}
JSON_TYPE = {"Content-Type": "application/json"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
# A refusal says what is wrong; it need not repeat what was sent.
_LONGEST_DETAIL = 1_000


class FixedAuthenticator:
    """Takes everybody for one user."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id

    async def authenticate(self, token: str | None) -> Identity:
        return Identity(self._user_id)


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    return LocalSettings(data_dir=tmp_path)


@pytest.fixture
def services(settings: LocalSettings, engine: LocalEngine) -> Services:
    return build_services(settings, engine)


def connect(services: Services, *, raise_bugs: bool = True) -> httpx.AsyncClient:
    """A client of the API over the services. A bug in a route is raised in the test, unless it is to be answered."""
    transport = httpx.ASGITransport(application_of(services), raise_app_exceptions=raise_bugs)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


def connect_as(services: Services, user_id: str) -> httpx.AsyncClient:
    return connect(replace(services, authenticator=FixedAuthenticator(user_id)))


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The user `local`, who owns the projects of the other fixtures."""
    async with connect(services) as client:
        yield client


@pytest.fixture
async def member(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The user `member`, whom a test adds to a project."""
    async with connect_as(services, "member") as client:
        yield client


@pytest.fixture
async def stranger(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The user `stranger`, who is in no project of another user."""
    async with connect_as(services, "stranger") as client:
        yield client


@pytest.fixture
async def project_id(client: httpx.AsyncClient) -> str:
    return str((await create_project(client))["project_id"])


@pytest.fixture
async def session_id(client: httpx.AsyncClient, project_id: str) -> str:
    return str((await start_session(client, project_id))["session_id"])


async def create_project(client: httpx.AsyncClient, name: str = "Weather", **more: object) -> Json:
    return json_of(await client.post("/projects", json={"name": name, **more}), 201)


def listed(project: Json) -> Json:
    """The project as a list has it."""
    return {name: value for name, value in project.items() if name not in ("code", "nodes", "nodes_truncated")}


async def start_session(client: httpx.AsyncClient, project_id: str, node_id: str | None = None) -> Json:
    """A new session about the project or a node of it."""
    return json_of(await client.post(f"/projects/{project_id}/sessions", json={"node_id": node_id}), 201)


async def post_message(
    client: httpx.AsyncClient, session_id: str, prompt: str = "Make it rain", key: str | None = None, **more: object
) -> httpx.Response:
    """Send a message without waiting for its end."""
    headers = RESPOND_ASYNC if key is None else {**RESPOND_ASYNC, "Idempotency-Key": key}
    return await client.post(f"/sessions/{session_id}/messages", json={"prompt": prompt, **more}, headers=headers)


async def send(
    client: httpx.AsyncClient, session_id: str, prompt: str = "Make it rain", key: str | None = None, **more: object
) -> Json:
    """A message that was accepted and is queued."""
    return json_of(await post_message(client, session_id, prompt, key, **more), 202)


async def post_escaped(client: httpx.AsyncClient, path: str, body: object, method: str = "POST") -> httpx.Response:
    """Send JSON as ASCII: so it can hold half a character, a lone surrogate."""
    return await client.request(method, path, content=json.dumps(body), headers={**JSON_TYPE, **RESPOND_ASYNC})


async def get(client: httpx.AsyncClient, path: str) -> Json:
    return json_of(await client.get(path), 200)


def json_of(answer: httpx.Response, status: int) -> Json:
    """The body of an answer that must have this status. Every timestamp in it is RFC 3339 in UTC."""
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"] == "application/json"
    body: Json = answer.json()
    _check_timestamps(body)
    return body


def problem_of(answer: httpx.Response, status: int, code: str, session_id: str | None = None) -> Json:
    """The body of a refusal, which must be problem details (RFC 9457) of this status, code and session."""
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"] == "application/problem+json"
    body: Json = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["type"].endswith(code)
    assert body["title"]
    assert 0 < len(body["detail"]) <= _LONGEST_DETAIL
    if session_id is not None:
        assert body["session_id"] == session_id
    return body


@asynccontextmanager
async def nothing_changes(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Checks that all that the user can read is the same before and after."""
    before = await _everything(client)
    yield
    assert await _everything(client) == before


async def _everything(client: httpx.AsyncClient) -> list[Json]:
    found = [await get(client, "/projects?limit=200")]
    for project in found[0]["projects"]:
        path = f"/projects/{project['project_id']}"
        sessions = await get(client, f"{path}/sessions")
        found += [sessions, await get(client, path), await get(client, f"{path}/versions")]
        for session in sessions["sessions"]:
            path = f"/sessions/{session['session_id']}"
            found += [await get(client, f"{path}{part}") for part in ("", "/messages?limit=200", "/events")]
    return found


def _check_timestamps(body: object) -> None:
    if isinstance(body, list):
        for element in body:
            _check_timestamps(element)
    if isinstance(body, dict):
        for name, value in body.items():
            if name.endswith("_at") and value is not None:
                assert _TIMESTAMP.fullmatch(value), f"{name}: {value}"
            _check_timestamps(value)


@pytest.fixture
def known(project_id: str, session_id: str) -> dict[str, str]:
    """The ids of a project and a session that exist."""
    return {"project_id": project_id, "session_id": session_id}

"""The HTTP API as the command line calls it."""

import json
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

Body = dict[str, Any]

_WORDS_CHARACTERS = 200


class RefusedError(Exception):
    """The API said no, and the message is its own detail; or what answered is not the API, and the message says so."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code

    @property
    def line(self) -> str:
        """The refusal as the command line shows it: its code, and why."""
        return f"{self.code}: {self}"


class ApiClient:
    """Calls the API; use it in an `async with` block.

    Every method raises RefusedError, or ConnectionError where no server listens.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._http = aiohttp.ClientSession(self._url, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        await self._http.close()

    async def list_projects(self) -> list[Body]:
        """The newest projects of the user."""
        projects: list[Body] = (await self._call("projects", "GET", "/projects?limit=200"))["projects"]
        return projects

    async def get_project(self, project_id: str) -> Body:
        """One project."""
        return await self._call("project_id", "GET", f"/projects/{project_id}")

    async def create_project(self, name: str) -> Body:
        """Create a project with the starter workflow."""
        return await self._call("project_id", "POST", "/projects", {"name": name})

    async def list_sessions(self, project_id: str) -> list[Body]:
        """The sessions of a project."""
        page = await self._call("sessions", "GET", f"/projects/{project_id}/sessions")
        sessions: list[Body] = page["sessions"]
        return sessions

    async def start_session(self, project_id: str, node_id: str | None) -> Body:
        """Start or retrieve a session."""
        return await self._call("session_id", "POST", f"/projects/{project_id}/sessions", {"node_id": node_id})

    async def send_message(self, session_id: str, message_id: str, prompt: str) -> Body:
        """Queue a message without waiting for its end. Safe to repeat with the same id."""
        body = {"prompt": prompt, "message_id": message_id}
        headers = {"Prefer": "respond-async"}
        return await self._call("message_id", "POST", f"/sessions/{session_id}/messages", body, headers)

    async def list_last_messages(self, session_id: str, count: int) -> tuple[list[Body], int]:
        """The newest messages of a session, oldest first, and how many it has in all."""
        page = await self._call("messages", "GET", f"/sessions/{session_id}/messages?order=desc&limit={count}")
        return page["messages"][::-1], page["count"]

    async def cancel_message(self, message_id: str) -> Body:
        """Ask for the end of a message. Safe to repeat."""
        return await self._call("message_id", "POST", f"/messages/{message_id}/cancel")

    async def _call(
        self, field: str, method: str, path: str, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> Body:
        """The answer's body, which has a field of that name."""
        try:
            async with self._http.request(method, path, json=body, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        parsed = _object_in(content)
        if answer.status >= HTTPStatus.BAD_REQUEST and isinstance(parsed.get("code"), str):
            raise RefusedError(answer.status, parsed["code"], str(parsed.get("detail", "")))
        if answer.status >= HTTPStatus.BAD_REQUEST or field not in parsed:
            raise RefusedError(answer.status, "not_vibewire", _strangers_answer(self._url, answer, parsed))
        return parsed


def _object_in(content: bytes) -> Body:
    """The JSON object in a body; an empty one where it is something else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _strangers_answer(url: str, answer: aiohttp.ClientResponse, parsed: Body) -> str:
    status = " ".join(f"{answer.status} {answer.reason or ''}".split())
    said = parsed.get("message")
    words = f" ({' '.join(said.split())[:_WORDS_CHARACTERS]})" if isinstance(said, str) else ""
    return (
        f"{url} answered {status}{words} as {answer.content_type}, which Vibewire does not. Is it away behind a "
        "proxy, or another server at this address?"
    )

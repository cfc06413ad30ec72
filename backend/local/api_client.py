"""The HTTP API as the command line calls it."""

from types import TracebackType
from typing import Any, Self

import aiohttp

Body = dict[str, Any]


class RefusedError(Exception):
    """The API said no; the message is its own detail."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


class ApiClient:
    """Calls the API; use it in an `async with` block.

    Every method raises RefusedError, or ConnectionError where nobody listens.
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
        projects: list[Body] = (await self._call("GET", "/projects?limit=200"))["projects"]
        return projects

    async def get_project(self, project_id: str) -> Body:
        """One project."""
        return await self._call("GET", f"/projects/{project_id}")

    async def create_project(self, name: str) -> Body:
        """Create a project with the starter workflow."""
        return await self._call("POST", "/projects", {"name": name})

    async def list_sessions(self, project_id: str) -> list[Body]:
        """The sessions of a project."""
        sessions: list[Body] = (await self._call("GET", f"/projects/{project_id}/sessions"))["sessions"]
        return sessions

    async def start_session(self, project_id: str, node_id: str | None) -> Body:
        """Start or retrieve a session."""
        return await self._call("POST", f"/projects/{project_id}/sessions", {"node_id": node_id})

    async def send_message(self, session_id: str, message_id: str, prompt: str) -> Body:
        """Queue a message without waiting for its end. Safe to repeat with the same id."""
        body = {"prompt": prompt, "message_id": message_id}
        return await self._call("POST", f"/sessions/{session_id}/messages", body, {"Prefer": "respond-async"})

    async def list_last_messages(self, session_id: str, count: int) -> tuple[list[Body], int]:
        """The newest messages of a session, oldest first, and how many it has in all."""
        page = await self._call("GET", f"/sessions/{session_id}/messages?order=desc&limit={count}")
        return page["messages"][::-1], page["count"]

    async def cancel_message(self, message_id: str) -> Body:
        """Ask for the end of a message. Safe to repeat."""
        return await self._call("POST", f"/messages/{message_id}/cancel")

    async def _call(
        self, method: str, path: str, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> Body:
        try:
            async with self._http.request(method, path, json=body, headers=headers) as answer:
                parsed: Body = await answer.json(content_type=None)
        except aiohttp.ClientConnectionError as error:
            raise ConnectionError(str(error)) from error
        if answer.status >= 400:
            raise RefusedError(answer.status, parsed.get("code", ""), parsed.get("detail", ""))
        return parsed

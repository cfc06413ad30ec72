"""A connected client, and what it is answered."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from shared.identity import Identity

Ack = dict[str, Any]


class ClientDisconnectedError(Exception):
    """The client went away while it was being sent what it missed."""


@dataclass
class Client:
    """A connected socket: who it is, and the projects it hears.

    Attributes:
        identity: who it is.
        projects: those that it hears, and those that it is being let into.
        lock: one request at a time: two replays at once would mix.
        waiting: its requests that are not answered yet.
        expiry: ends the connection with its token.
    """

    identity: Identity
    projects: set[str] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    expiry: asyncio.Task[None] | None = None


def no_project(project_id: str) -> Ack:
    """The answer about a project that is not there or not the client's."""
    return refusal("project_not_found", f"There is no project {project_id} that you may use.")


def refusal(code: str, detail: str) -> Ack:
    """An acknowledgement that says no, and why."""
    return {"ok": False, "code": code, "detail": detail}

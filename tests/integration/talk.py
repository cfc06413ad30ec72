"""What the tests here say to a server, and servers that a module has for itself."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx

from tests.sending import send_to_its_end
from tests.server_process import ServerProcess, vibewire_process

Json = dict[str, Any]

WAIT_SECONDS = 30.0
ENDINGS = ("vibecode_response", "message_failed", "message_cancelled")
AGENTS = ("triage", "billing", "refund", "shipping", "returns", "catalog", "invoice", "support")


@dataclass(frozen=True)
class Servers:
    """A started Vibewire and the model server behind it; both URLs are roots."""

    url: str
    model_url: str
    process: ServerProcess

    async def plan_faults(self, *faults: Json) -> None:
        """Have the model fail on purpose."""
        async with httpx.AsyncClient(base_url=self.model_url) as http:
            assert (await http.post("/faults", json=faults)).status_code == 200

    async def drop_faults(self) -> None:
        async with httpx.AsyncClient(base_url=self.model_url) as http:
            assert (await http.delete("/faults")).status_code == 200

    async def counts(self) -> Json:
        """What the model served so far."""
        async with httpx.AsyncClient(base_url=self.model_url) as http:
            counted: Json = (await http.get("/counts")).json()
            return counted

    async def last_request(self) -> Json:
        """The newest request that the model was sent."""
        async with httpx.AsyncClient(base_url=self.model_url) as http:
            request: Json = (await http.get("/requests/last")).json()
            return request


@cache
def _bytecode_dir() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="vibewire-bytecode-")


def compiled() -> AbstractContextManager[object]:
    """Has the processes that are started within keep their bytecode for each other: that saves half of each start."""
    environment = {"PYTHONPYCACHEPREFIX": _bytecode_dir().name, "PYTHONDONTWRITEBYTECODE": ""}
    return patch.dict(os.environ, environment)


def model_server(pace: float = 0.0) -> ServerProcess:
    """A model server with a pause between the pieces of its answers; its `url` ends in /v1."""
    with compiled():
        return ServerProcess("tests.model_server", "--port", "0", "--pace", str(pace))


def vibewire_server(data_dir: Path, model_url: str, **settings: str) -> ServerProcess:
    """Vibewire with little patience; settings by their names in lower case."""
    settings = {"retry_delay_seconds": "0.1", "cancel_check_seconds": "0.1", **settings}
    with compiled():
        return vibewire_process(data_dir, model_url, **settings)


@contextmanager
def own_servers(data_dir: Path, **settings: str) -> Iterator[Servers]:
    """A pair of servers that no other module speaks to."""
    with model_server() as model, vibewire_server(data_dir, model.url, **settings) as server:
        yield Servers(server.url, model.url.removesuffix("/v1"), server)


async def start_session(http: httpx.AsyncClient, project_id: str | None = None, node_id: str | None = None) -> Json:
    """A session, of a new project unless one is named."""
    if project_id is None:
        project_id = (await http.post("/projects", json={"name": "Support"})).json()["project_id"]
    answer = await http.post(f"/projects/{project_id}/sessions", json={"node_id": node_id})
    assert answer.status_code == 201, answer.text
    session: Json = answer.json()
    return session


async def send(http: httpx.AsyncClient, session_id: str, prompt: str) -> Json:
    """Send a prompt and wait for its end: the ended message."""
    return await send_to_its_end(http, session_id, prompt)


async def queue(http: httpx.AsyncClient, session_id: str, prompt: str, message_id: str | None = None) -> Json:
    """Send a prompt without waiting: the message as it was accepted."""
    body = {"prompt": prompt} | ({} if message_id is None else {"message_id": message_id})
    answer = await http.post(f"/sessions/{session_id}/messages", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code in (200, 202), answer.text
    message: Json = answer.json()
    return message


async def messages_of(http: httpx.AsyncClient, session_id: str) -> list[Json]:
    """All messages of a session by number."""
    listed: list[Json] = (await http.get(f"/sessions/{session_id}/messages?limit=100")).json()["messages"]
    return listed


async def log_of(http: httpx.AsyncClient, session_id: str) -> list[Json]:
    """Everything in the log of a session."""
    events: list[Json] = []
    while True:
        after = events[-1]["seq"] if events else 0
        page = (await http.get(f"/sessions/{session_id}/events?after={after}")).json()
        events += page["events"]
        if not page["events"] or events[-1]["seq"] >= page["last_seq"]:
            return events


async def until_called(servers: Servers, calls: int) -> None:
    """Wait until the model has been called so often in all."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (await servers.counts())["calls"] < calls:
            pass


def check_log(events: Sequence[Json]) -> None:
    """What holds of every session's log: no gaps, one turn after the other, each message ended at most once."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    starts: defaultdict[str, list[int]] = defaultdict(list)
    ended: set[str] = set()
    running = None
    for event in (event for event in events if event["message_id"] is not None):
        message_id = event["message_id"]
        assert message_id not in ended
        if event["type"] == "message_started":
            assert running in (None, message_id)
            starts[message_id].append(event["attempt"])
            running = message_id
        elif event["type"] != "message_cancelled":
            assert message_id == running
            assert event["attempt"] == starts[message_id][-1]
        if event["type"] in ENDINGS:
            ended.add(message_id)
            running = None if message_id == running else running
    assert all(attempts == list(range(1, len(attempts) + 1)) for attempts in starts.values())


def messages_in(events: Sequence[Json], name: str) -> list[str]:
    """The message ids of the events of a name, in order."""
    return [event["message_id"] for event in events if event["type"] == name]

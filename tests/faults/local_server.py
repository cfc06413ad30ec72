"""Vibewire in the test's own process, without a port; and its files, read without its code."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.process import run_process
from backend.local.settings import LocalSettings

Json = dict[str, Any]

WAIT_SECONDS = 30.0
OPEN = ("queued", "running")


@dataclass(frozen=True)
class LocalServer:
    """A started server; `http` speaks to it as to one that listens."""

    http: httpx.AsyncClient
    engine: LocalEngine

    async def wait_for_completion(self, message_id: str) -> Json:
        """Wait until the message has ended: what it came to."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (message := (await self.http.get(f"/messages/{message_id}")).json())["status"] in OPEN:
                stored = await self.engine.messages.find_message(message_id)
                assert stored is not None
                await self.engine.completion_waiter.wait_for_completion(stored, WAIT_SECONDS)
        ended: Json = message
        return ended

    async def wait_for_no_notification(self) -> None:
        """Wait until every notification has been answered."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self.engine.database.read(
                lambda store: store.execute("SELECT 1 FROM notifications").fetchone()
            ):
                pass


def settings_for(data_dir: Path, model_url: str) -> LocalSettings:
    return LocalSettings(data_dir=data_dir, openai_base_url=model_url, openai_api_key="none", retry_delay_seconds=0.1)


@asynccontextmanager
async def started(settings: LocalSettings) -> AsyncIterator[LocalServer]:
    """A server on the settings' data folder, which no other process may use at that time."""
    engine = build_local_engine(settings.data_dir)
    async with run_process(settings, engine) as server:
        transport = httpx.ASGITransport(cast(Any, server.config.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=40) as http:
            yield LocalServer(http, engine)


async def start_session(http: httpx.AsyncClient) -> Json:
    """A session of a new project."""
    project = (await http.post("/projects", json={"name": "Support"})).json()
    session: Json = (await http.post(f"/projects/{project['project_id']}/sessions")).json()
    return session


async def send(http: httpx.AsyncClient, session_id: str, prompt: str) -> Json:
    """Send a prompt and wait for its end: the completed message."""
    answer = await http.post(f"/sessions/{session_id}/messages", json={"prompt": prompt})
    message: Json = answer.json()
    assert message["status"] == "completed", message
    return message


async def log_of(http: httpx.AsyncClient, session_id: str) -> list[Json]:
    """Everything in the log of a session, which has no gap."""
    page = (await http.get(f"/sessions/{session_id}/events?after=0")).json()
    events: list[Json] = page["events"]
    assert [event["seq"] for event in events] == list(range(1, page["last_seq"] + 1))
    return events


def read_store(settings: LocalSettings, query: str, *values: object) -> list[tuple[Any, ...]]:
    return read_file(settings.data_dir / "vibewire.sqlite", query, *values)


def read_file(file: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        return connection.execute(query, values).fetchall()


def memory_file(settings: LocalSettings, session: Json) -> Path:
    return settings.data_dir / f"memory/{session['openai_session_key']}/{session['session_id']}.sqlite"


def quarantine(settings: LocalSettings, session: Json) -> list[Path]:
    """What was kept of corrupt memories, their journals apart."""
    file = memory_file(settings, session)
    return [path for path in file.parent.glob(f"{file.name}.corrupt-*") if not path.name.endswith("-journal")]


def check_memory(settings: LocalSettings, session: Json, turns: int) -> None:
    """The memory holds exactly the session's completed turns, each of them complete and with its marker."""
    file = memory_file(settings, session)
    completed = read_store(
        settings,
        "SELECT m.number, m.message_id, i.items FROM messages m "
        "JOIN turn_items i ON i.message_id = m.message_id AND i.attempt = m.attempt "
        "WHERE m.session_id = ? AND m.status = 'completed' ORDER BY m.number",
        session["session_id"],
    )
    assert [number for number, _, _ in completed] == list(range(1, turns + 1))
    markers = read_file(file, "SELECT number, message_id, first_item, item_count FROM vibewire_turns ORDER BY number")
    kept = [json.loads(text) for (text,) in read_file(file, "SELECT message_data FROM agent_messages ORDER BY id")]
    items = [json.loads(text) for _, _, text in completed]
    assert [marker[:2] for marker in markers] == [turn[:2] for turn in completed]
    assert [marker[3] for marker in markers] == [len(part) for part in items]
    assert kept == [item for part in items for item in part]

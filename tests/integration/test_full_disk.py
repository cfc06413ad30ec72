"""A disk that fills up stops no server and loses no message: what cannot be stored is refused in words."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.small_disk import SmallDisk, small_disk
from tests.integration.talk import Json, check_log, log_of, model_server, queue, start_session, vibewire_server
from tests.integration.test_refused_start import start_second
from tests.server_process import ServerProcess
from tests.watcher import WAIT_SECONDS

pytestmark = pytest.mark.long

SESSIONS = 6
_OPEN = ("queued", "running")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=24) as disk:
        yield disk


@pytest.fixture
def model() -> Iterator[ServerProcess]:
    with model_server(pace=0.02) as model:
        yield model


async def refused(http: httpx.AsyncClient, session_id: str) -> httpx.Response:
    """Send messages until one cannot be stored: SQLite has a little room of its own left. The refusal."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            body = {"prompt": f"say {'a long word ' * 2_000}"}
            answer = await http.post(f"/sessions/{session_id}/messages", json=body, headers={"Prefer": "respond-async"})
            if answer.status_code not in (200, 202, 429):
                return answer


async def ended(http: httpx.AsyncClient, message: Json) -> Json:
    async with asyncio.timeout(WAIT_SECONDS * 4):
        while True:
            found: Json = (await http.get(f"/messages/{message['message_id']}")).json()
            if found["status"] not in _OPEN:
                return found


async def test_accepted_messages_complete_when_a_disk_that_filled_up_in_mid_turn_has_room_again(
    disk: SmallDisk, model: ServerProcess
) -> None:
    with vibewire_server(disk.folder / "data", model.url, lease_seconds="5", heartbeat_seconds="1") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            sessions = [(await start_session(http))["session_id"] for _ in range(SESSIONS)]
            accepted = [
                await queue(http, session_id, f"Create a {name} agent")
                for name in ("triage", "billing")
                for session_id in sessions
            ]
            disk.fill()
            other = (await http.get(f"/sessions/{sessions[0]}")).json()["project_id"]
            answer = await refused(http, sessions[-1])
            read = await http.get(f"/projects/{other}")
            assert server.returncode is None
            disk.make_room()
            outcomes = [(await ended(http, message))["status"] for message in accepted]
            logs = [await log_of(http, session_id) for session_id in sessions]
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert "full" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    assert read.status_code == 200
    assert outcomes == ["completed"] * len(accepted)
    for log in logs:
        check_log(log)
    assert "Traceback" not in server.output
    assert server.returncode == 0


async def test_a_start_on_a_full_disk_is_one_line(disk: SmallDisk, model: ServerProcess) -> None:
    with vibewire_server(disk.folder / "data", model.url) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            session_id = (await start_session(http))["session_id"]
    disk.fill()
    second = await asyncio.to_thread(start_second, disk.folder / "data", model.url)
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert line.startswith("Vibewire cannot start: ")
    assert "disk is full" in line
    disk.make_room()
    with vibewire_server(disk.folder / "data", model.url) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            assert (await http.get(f"/sessions/{session_id}")).status_code == 200

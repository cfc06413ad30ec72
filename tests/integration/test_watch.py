"""`make watch`, as a process of its own against a started server."""

import asyncio
import re
import subprocess
import sys

import httpx

from tests.server_process import ROOT
from tests.watcher import WAIT_SECONDS

_LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d{3}  seq +(\S+)  (\w+) ")


async def test_a_project_that_is_created_and_used_at_once_is_shown_from_its_first_event(
    server_url: str, http: httpx.AsyncClient
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.local.watch", "--url", server_url, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS * 2):
            assert await process.stdout.readline() == f"Watching {server_url}. Ctrl-C stops.\n".encode()
            project_id = (await http.post("/projects", json={"name": "Seen"})).json()["project_id"]
            session_id = (await http.post(f"/projects/{project_id}/sessions")).json()["session_id"]
            await http.post(f"/sessions/{session_id}/messages", json={"prompt": "Create a triage agent"})
            received: list[tuple[str, str]] = []
            while not received or received[-1][1] != "vibecode_response":
                found = _LINE.match((await process.stdout.readline()).decode())
                received += [(found[1], found[2])] if found else []
        numbers = [int(seq) for seq, _ in received if seq.isdecimal()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert ("1", "message_started") in received
    finally:
        process.terminate()
        await process.wait()

"""examples/watch.mjs in an empty folder with socket.io-client from npm, against a started Vibewire."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.relay_stress.javascript_crowd import require_node
from tests.server_process import ROOT, model_process, vibewire_process
from tests.watcher import WAIT_SECONDS

pytestmark = pytest.mark.relay_stress


async def test_the_javascript_example_prints_the_history_and_then_each_event(tmp_path: Path) -> None:
    require_node()
    shutil.copy(ROOT / "examples" / "watch.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "tests" / "node" / "node_modules")
    with model_process() as model, vibewire_process(tmp_path / "data", model.url) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            project = (await http.post("/projects", json={"name": "Example"})).json()["project_id"]
            session = (await http.post(f"/projects/{project}/sessions")).json()["session_id"]
            await http.post(f"/sessions/{session}/messages", json={"prompt": "Create a triage agent"})
            client = await asyncio.create_subprocess_exec(
                "node",
                "watch.mjs",
                project,
                session,
                cwd=tmp_path,
                env={**os.environ, "URL": server.url},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                assert client.stdout is not None
                replayed = await printed_until(client.stdout, "subscribed {")
                assert "vibecode_response {" in replayed
                await http.post(f"/sessions/{session}/messages", json={"prompt": "Create a billing agent"})
                live = await printed_until(client.stdout, "vibecode_response {")
                assert "message_started {" in live
            finally:
                client.terminate()
                await client.wait()


async def printed_until(stdout: asyncio.StreamReader, line: str) -> str:
    printed = ""
    async with asyncio.timeout(WAIT_SECONDS):
        while line not in printed:
            read = (await stdout.readline()).decode()
            assert read, printed
            printed += read
    return printed

"""The page and the API are there before the Agents SDK, whose import takes longer than all else."""

import asyncio
from pathlib import Path

import httpx

from tests.integration.talk import model_server, queue, start_session, vibewire_server
from tests.server_process import ServerProcess
from tests.watcher import WAIT_SECONDS

# Stands before the real one on the path: its import waits until it may go on, and then fails.
_BROKEN_SDK = """\
import pathlib, time
while not pathlib.Path({go!r}).exists():
    time.sleep(0.01)
raise ImportError("this SDK is broken")
"""


def server_with_broken_sdk(folder: Path, model_url: str, go: Path) -> ServerProcess:
    sdk = folder / "path" / "agents"
    sdk.mkdir(parents=True)
    (sdk / "__init__.py").write_text(_BROKEN_SDK.format(go=str(go)))
    settings = {"VIBEWIRE_DATA_DIR": str(folder / "data"), "VIBEWIRE_PORT": "0", "OPENAI_BASE_URL": model_url}
    return ServerProcess("backend.local.main", environment=settings | {"PYTHONPATH": str(sdk.parent)})


async def test_requests_are_answered_before_the_sdk_is_there_and_its_failure_ends_the_process(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with model_server() as model:
        with server_with_broken_sdk(tmp_path, model.url, go) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
                assert (await http.get("/health")).status_code == 200
                assert (await http.get("/")).status_code == 200
                session_id = (await start_session(http))["session_id"]
                message = await queue(http, session_id, "Create a triage agent")
                assert message["status"] == "queued"
            go.touch()
            assert await asyncio.to_thread(server.wait) == 1
        assert "Vibewire has stopped. The worker died: ImportError: this SDK is broken" in server.output
        with vibewire_server(tmp_path / "data", model.url) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=40) as http, asyncio.timeout(WAIT_SECONDS * 2):
                while (await http.get(f"/messages/{message['message_id']}")).json()["status"] != "completed":
                    pass

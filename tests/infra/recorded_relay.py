"""The relay of the template's container, on the same stack, for a short run."""

import asyncio
from typing import Any
from unittest.mock import patch

import socketio

from backend.relay import process
from backend.relay.rooms import rooms
from backend.relay.settings import RelayProcessSettings
from shared.environment import read_settings
from shared.server_process import listen
from tests.infra.recorded_functions import RecordedFunctions

_TASK = "f" * 32
_WAIT_SECONDS = 20.0


def run_recorded_relay(functions: RecordedFunctions, project_id: str) -> None:
    """Start, let a client subscribe twice, stop."""
    variables = functions.relay_environment()
    # Shorter than in production, so that each happens during the test.
    variables |= {"VIBEWIRE_HOST": "127.0.0.1", "VIBEWIRE_PORT": "0", "VIBEWIRE_FILL_SECONDS": "0.2"}
    settings = read_settings(RelayProcessSettings, variables)
    with (
        patch.object(process, "POLL_SECONDS", 1),
        patch.object(rooms, "ACCESS_CHECK_SECONDS", 0.2),
        functions.recorder.acting_as("Relay"),
        asyncio.Runner() as runner,
    ):
        runner.run(_run(settings, functions, project_id))


async def _run(settings: RelayProcessSettings, functions: RecordedFunctions, project_id: str) -> None:
    async with process.run_relay(settings, _TASK) as server:
        listener = listen(settings.host, settings.port)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = socketio.AsyncClient()
        await client.connect(url, auth={"token": functions.token("ann")}, transports=["websocket"])
        answer: dict[str, Any] = await client.call("subscribe", {"project_id": project_id}, timeout=_WAIT_SECONDS)
        assert answer["ok"], answer
        behind = dict.fromkeys(answer["last_seq"], 0)
        again = {"project_id": project_id, "after": behind}
        answer = await client.call("subscribe", again, timeout=_WAIT_SECONDS)
        assert answer["ok"], answer
        async with asyncio.timeout(_WAIT_SECONDS):
            await _until_ready(url)
        await client.disconnect()
        server.should_exit = True
        await serving


async def _until_ready(url: str) -> None:
    """The relay has received its probe from its queue."""
    host, port = url.removeprefix("http://").split(":")
    while True:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        if b" 200 " in answer.partition(b"\r\n")[0]:
            return
        await asyncio.sleep(0.1)

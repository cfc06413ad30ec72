"""The command line, as a process of its own against a started server."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from backend.local.event_client import EventClient
from tests.server_process import ROOT, model_process, vibewire_process
from tests.watcher import WAIT_SECONDS

Event = dict[str, Any]


async def chat(url: str, *arguments: str) -> tuple[int | None, str, str]:
    """Run the command line to its end: exit code, output, errors."""
    process = await start_chat(url, *arguments)
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def start_chat(url: str, *arguments: str) -> asyncio.subprocess.Process:
    command = ["-m", "backend.local.chat", "--url", url, *arguments]
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )


def events_in(output: str) -> list[Event]:
    return [json.loads(line) for line in output.splitlines()]


async def test_a_prompt_is_answered_and_its_patch_shown(server_url: str) -> None:
    code, output, errors = await chat(server_url, "--project", "Shown", "Create a triage agent, but reject once")
    assert (code, errors) == (0, "")
    for words in (
        "VibeCoder, iteration 1",
        "rejected",
        "VibeCoder, iteration 2",
        "approved",
        "+triage_agent = Agent(",
        "tokens",
    ):
        assert words in output


async def test_a_node_that_is_not_in_the_code_is_reported_and_can_be_talked_about(server_url: str) -> None:
    code, output, errors = await chat(server_url, "--project", "Nodes", "--node", "nosuch", "Which agents are there?")
    assert (code, errors) == (0, "")
    assert "There is no agent 'nosuch' in the code yet." in output
    _, output, _ = await chat(server_url, "--project", "Nodes", "--node", "assistant", "Which agents are there?")
    assert "There is no agent" not in output


async def test_scripts_get_every_event_as_a_line_of_json(server_url: str, http: httpx.AsyncClient) -> None:
    code, output, _ = await chat(server_url, "--project", "Scripted", "--json", "Create a triage agent")
    events = events_in(output)
    assert code == 0
    assert events[-1]["type"] == "vibecode_response"
    log = (await http.get(f"/sessions/{events[-1]['session_id']}/events")).json()["events"]
    assert [event for event in events if "seq" in event] == log


async def test_a_session_is_resumed_by_the_name_of_its_project(server_url: str) -> None:
    await chat(server_url, "--project", "Resumed", "Create a triage agent")
    code, output, _ = await chat(server_url, "--project", "Resumed", "--json", "Make it Spanish")
    assert code == 0
    assert "triage_agent" in events_in(output)[-1]["content"]


async def test_a_node_has_a_conversation_of_its_own(server_url: str) -> None:
    code, output, _ = await chat(server_url, "--project", "Nodes", "--node", "assistant", "--json", "Make it German")
    assert code == 0
    assert "assistant" in events_in(output)[-1]["content"]


async def test_a_turn_that_fails_ends_in_a_failure(server_url: str) -> None:
    code, output, _ = await chat(server_url, "--project", "Failing", "Create a triage agent, but never approve it")
    assert code == 1
    assert "not_approved" in output


async def test_a_refused_prompt_says_why(server_url: str) -> None:
    code, _, errors = await chat(server_url, "--project", "Refusing", " ")
    assert code == 1
    assert "invalid_input: The prompt is empty" in errors


async def test_a_server_that_is_away_is_named_in_one_line() -> None:
    code, output, errors = await chat("http://127.0.0.1:1", "--project", "Away", "Hello")
    assert (code, output) == (1, "")
    assert "No server answers at http://127.0.0.1:1" in errors
    assert "Traceback" not in errors


async def test_ctrl_c_cancels_the_turn(tmp_path: Path) -> None:
    with model_process() as model, vibewire_process(tmp_path, model.url) as server:
        async with httpx.AsyncClient() as http:
            stall = [{"kind": "stall"}]
            await http.post(f"{model.url.removesuffix('/v1')}/faults", json=stall)
        process = await start_chat(server.url, "--project", "Stalled", "--json", "Create a triage agent")
        assert process.stdout is not None
        types: list[str] = []
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in process.stdout:
                types.append(json.loads(line)["type"])
                if types[-1] == "message_started":
                    os.kill(process.pid, signal.SIGINT)
            assert await process.wait() == 1
    assert types[-1] == "message_cancelled"


async def test_the_event_client_misses_nothing_while_the_server_is_away(tmp_path: Path) -> None:
    received: list[Event] = []
    back = asyncio.Event()
    states: list[str] = []

    def take_state(state: str) -> None:
        states.append(state)
        if states[-2:] == ["disconnected", "connected"]:
            back.set()

    with model_process() as model, vibewire_process(tmp_path, model.url) as server:
        url, port = server.url, server.url.rpartition(":")[2]
        async with (
            httpx.AsyncClient(base_url=url, timeout=40) as http,
            EventClient(url, None, received.append, take_state) as client,
        ):
            project_id = (await http.post("/projects", json={"name": "Away"})).json()["project_id"]
            session_id = (await http.post(f"/projects/{project_id}/sessions")).json()["session_id"]
            await client.follow(project_id)
            await http.post(f"/sessions/{session_id}/messages", json={"prompt": "Which agents are there?"})
            await asyncio.to_thread(server.kill)
            with vibewire_process(tmp_path, model.url, port=port):
                answer = await http.post(f"/sessions/{session_id}/messages", json={"prompt": "And now?"})
                assert answer.json()["status"] == "completed"
                async with asyncio.timeout(WAIT_SECONDS):
                    await back.wait()
                log = (await http.get(f"/sessions/{session_id}/events")).json()["events"]
    assert [event for event in received if "seq" in event] == log

"""Text that is made to steer a terminal reaches it as escapes that are seen, by whatever way it comes."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest

from backend.local.terminal_text import visible
from tests.integration.talk import start_session
from tests.integration.test_chat import chat, events_in
from tests.server_process import ROOT
from tests.watcher import WAIT_SECONDS

pytestmark = pytest.mark.long

# Sets the clipboard, colours, clears; C1; turns the reading direction; has no width.
HOSTILE = "\x1b]52;c;aGFja2Vk\x07 \x1b[31mred\x1b[2J \x9b1m pay\u202e 100\u2066 zero\u200b\u2060width \u061c\ufeff"
HIDDEN = set(HOSTILE) - set(" ]52;c;aGFja2Vk[31mredJ1m pay100zerowidth")


def check_harmless(output: str) -> None:
    """Nothing in it steers a terminal; what would is there as it is written."""
    assert not HIDDEN & set(output), [hex(ord(one)) for one in HIDDEN & set(output)]


async def test_a_prompt_a_project_and_a_patch_steer_no_chat(server_url: str, http: httpx.AsyncClient) -> None:
    code = f"from agents import Agent\n\n# pay\u202e 100 {HOSTILE.strip()}\nassistant = Agent(name='Assistant')\n"
    name = "Hostile \u200b name"
    created = await http.post("/projects", json={"name": name, "code": code})
    project_id = created.json()["project_id"]
    exit_code, output, errors = await chat(server_url, "--project", project_id, f"Create a triage agent {HOSTILE}")
    check_harmless(output + errors)
    _, output, errors = await chat(server_url, "--project", project_id, "/code")
    check_harmless(output + errors)
    assert "\\u202e 100" in output
    assert exit_code in (0, 1)
    session_id = (await http.get(f"/projects/{project_id}/sessions")).json()["sessions"][0]["session_id"]
    await http.post(f"/sessions/{session_id}/messages", json={"prompt": "Remove the assistant agent"})
    _, output, errors = await chat(server_url, "--project", project_id, "/history")
    check_harmless(output + errors)
    assert "\\x1b]52;c;aGFja2Vk\\x07" in output


async def test_errors_and_names_of_nodes_steer_no_chat(server_url: str) -> None:
    _, output, errors = await chat(server_url, "--new", "Errors", "--node", f"a{HOSTILE}", "Hello")
    check_harmless(output + errors)
    assert "invalid_node_id" in errors or "no agent" in output
    _, output, errors = await chat(f"http://127.0.0.1:1/{HOSTILE}", "--project", "Away", "Hello")
    check_harmless(output + errors)


async def test_json_lines_say_the_same_and_steer_nothing(server_url: str) -> None:
    prompt = f"Create a triage agent {HOSTILE}\U000e0101"
    _, output, _ = await chat(server_url, "--new", "Lines of JSON", "--json", prompt)
    check_harmless(output)
    assert events_in(output)[0]["prompt"].strip() == prompt.strip()


async def test_a_watch_shows_what_would_steer_it(server_url: str, http: httpx.AsyncClient) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.local.watch", "--url", server_url, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS * 2):
            await process.stdout.readline()
            created = await http.post("/projects", json={"name": "Seen \u200b as it is"})
            session = await start_session(http, created.json()["project_id"])
            await http.post(f"/sessions/{session['session_id']}/messages", json={"prompt": f"Say {HOSTILE}"})
            line = ""
            while "message_started" not in line:
                line = (await process.stdout.readline()).decode()
                check_harmless(line)
        assert "u200b" in line
        assert "u001b]52;c;aGFja2Vk" in line
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b1m\x7f", "\\x9b1m\\x7f"),
        ("a\r\nb\tc", "a\\x0d\nb\tc"),
        ("\u202eabc\u2069", "\\u202eabc\\u2069"),
        ("a\u200bb\u2060\ufeff\u00ad", "a\\u200bb\\u2060\\ufeff\\xad"),
        ("\ud83d half", "\\ud83d half"),
        ("\U000e0041\U000e0101\ufe0f", "\\U000e0041\\U000e0101\\ufe0f"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("naïve 漢字 ☂ 😀\u00a0", "naïve 漢字 ☂ 😀\u00a0"),
    ],
)
def test_what_a_terminal_obeys_or_does_not_show_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert json.loads(json.dumps(visible(text))) == shown


def test_a_start_that_fails_steers_no_terminal() -> None:
    environment = {"PATH": "/usr/bin:/bin", "VIBEWIRE_HOST": "\x1b]52;c;aGFja2Vk\x07.example", "VIBEWIRE_PORT": "0"}
    command = [sys.executable, "-m", "backend.local.main"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    check_harmless(done.stdout + done.stderr)
    assert done.returncode == 1
    assert "\\x1b]52;c;aGFja2Vk\\x07.example" in done.stderr

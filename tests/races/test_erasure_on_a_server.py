"""A started server erases what was deleted by itself, and never prints what people write."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.races.leftovers import check_all_there, check_nothing_left, files_with
from tests.server_process import ServerProcess, model_process, vibewire_process

pytestmark = pytest.mark.long

DEADLINE_SECONDS = 30.0
QUICK = {"turn_seconds": "5", "lease_seconds": "2", "cancel_check_seconds": "0.1"}

QUESTION = "Which agents are there, by quartz?"
REQUEST = "Create an agent named onyx"


async def _post(http: httpx.AsyncClient, path: str, **body: str) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.is_success, answer.text
    posted: dict[str, Any] = answer.json()
    return posted


async def _until_erased(http: httpx.AsyncClient, folder: Path, *words: str) -> None:
    """Wait until the running server's clean-up has left no file with one of the words."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while left := files_with(folder, *words):
        assert loop.time() < deadline, left
        assert (await http.get("/health")).status_code == 200


async def _talk_and_delete(server: ServerProcess, folder: Path) -> str:
    """Talk in two sessions and delete one of them: the project that is left."""
    async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
        project_id: str = (await _post(http, "/projects", name="Support"))["project_id"]
        session = await _post(http, f"/projects/{project_id}/sessions")
        node = await _post(http, f"/projects/{project_id}/sessions", node_id="assistant")
        messages = f"/sessions/{session['session_id']}/messages"
        asked, changed = await _post(http, messages, prompt=QUESTION), await _post(http, messages, prompt=REQUEST)
        assert [asked["status"], changed["status"]] == ["completed", "completed"]
        assert "+onyx" in changed["patch"]
        await _post(http, f"/sessions/{node['session_id']}/messages", prompt="Which agents are there, by topaz?")
        check_all_there(folder, [QUESTION, REQUEST, "+onyx", asked["content"], "by topaz"])
        assert (await http.delete(f"/sessions/{session['session_id']}")).status_code == 200
        await _until_erased(http, folder, QUESTION, "+onyx", asked["content"])
        check_all_there(folder, ["by topaz", "onyx"])
        assert (await http.get(f"/sessions/{node['session_id']}/messages")).json()["count"] == 1
    return project_id


async def test_a_started_server_leaves_no_word_of_what_was_deleted_even_if_it_is_killed_then(tmp_path: Path) -> None:
    words = [QUESTION, REQUEST, "by topaz", "onyx"]
    with model_process() as model:
        with vibewire_process(tmp_path, model.url, **QUICK) as server:
            project_id = await _talk_and_delete(server, tmp_path)
            async with httpx.AsyncClient(base_url=server.url) as http:
                assert (await http.delete(f"/projects/{project_id}")).status_code == 200
            server.kill()
        with vibewire_process(tmp_path, model.url, **QUICK) as second:
            async with httpx.AsyncClient(base_url=second.url) as http:
                await _until_erased(http, tmp_path, *words)
        assert [word for word in words if word in server.output + second.output] == []
    check_nothing_left(tmp_path, words)
    assert [file.name for file in (tmp_path / "memory").rglob("*") if file.is_file()] == []

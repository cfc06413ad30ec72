"""`make chat` and `make watch` as a person uses them, in a terminal."""

import httpx
import pytest

from tests.integration.talk import Json, start_session
from tests.integration.terminal import terminal

CHAT, WATCH = "backend.local.chat", "backend.local.watch"


def address(url: str) -> dict[str, str]:
    """The environment by which the command line finds the server, the same as that of `make run`."""
    return {"VIBEWIRE_PORT": str(httpx.URL(url).port)}


async def talked(http: httpx.AsyncClient, name: str, prompt: str) -> Json:
    """A project with one answered message."""
    project: Json = (await http.post("/projects", json={"name": name})).json()
    session = await start_session(http, project["project_id"])
    answer = await http.post(f"/sessions/{session['session_id']}/messages", json={"prompt": prompt})
    assert answer.json()["status"] == "completed"
    return project


async def test_a_person_reads_the_end_of_the_history_asks_for_help_and_leaves(
    server_url: str, http: httpx.AsyncClient
) -> None:
    project = await talked(http, "By hand", "Create a triage agent")
    with terminal(CHAT, "--project", "By hand", **address(server_url)) as hand:
        screen = await hand.until("you> \n")
        assert "you> Create a triage agent" in screen
        assert "I created triage_agent." in screen
        hand.type("/help")
        hand.press("Enter")
        assert "/history" in await hand.until("leave (also Ctrl-D")
        hand.type("/undo")
        hand.press("Enter")
        await hand.until("There is no command /undo.")
        hand.type("/code")
        hand.press("Enter")
        await hand.until("triage_agent = Agent(")
        hand.type("Which agents are there?")
        hand.press("Enter")
        await hand.until("no change,")
        hand.type("/quit")
        hand.press("Enter")
        await hand.until_ended(0)
    sessions = (await http.get(f"/projects/{project['project_id']}/sessions")).json()["sessions"]
    assert [session["message_count"] for session in sessions] == [2]  # no command was sent


@pytest.mark.parametrize(("key", "code"), [("C-c", 130), ("C-d", 0)])
async def test_a_key_at_the_prompt_leaves_at_once_and_says_nothing_of_its_insides(
    key: str, code: int, server_url: str
) -> None:
    with terminal(CHAT, "--new", "Left by a key", **address(server_url)) as hand:
        await hand.until("you> \n")
        hand.press(key)
        screen = await hand.until_ended(code)
    assert "Unclosed" not in screen
    assert "Traceback" not in screen


async def test_ctrl_c_in_a_turn_cancels_it_and_the_next_prompt_is_answered(
    server_url: str, http: httpx.AsyncClient, demo_model_url: str
) -> None:
    with terminal(CHAT, "--new", "Cancelled by hand", **address(server_url)) as hand:
        await hand.until("you> \n")
        async with httpx.AsyncClient(base_url=demo_model_url.removesuffix("/v1")) as model:
            await model.post("/faults", json=[{"kind": "stall"}])
            hand.type("Create a triage agent")
            hand.press("Enter")
            await hand.until("VibeCoder is thinking")
            hand.press("C-c")
            await hand.until("cancelled: The message was cancelled.")
            await model.delete("/faults")
        hand.type("Which agents are there?")
        hand.press("Enter")
        await hand.until("no change,")
        hand.press("C-c")
        await hand.until_ended(130)


async def test_a_streamed_answer_stands_once_on_the_screen(server_url: str) -> None:
    with terminal(CHAT, "--new", "Said once", **address(server_url)) as hand:
        await hand.until("you> \n")
        hand.type("Create a refund agent")
        hand.press("Enter")
        seen = [await hand.until("I created refund_agent.")]
        while "version 2," not in seen[-1]:
            seen.append(hand.screen())
        assert max(screen.count("I created refund_agent.") for screen in seen) == 1


async def test_picking_a_project_by_its_number_goes_on_with_it(server_url: str, http: httpx.AsyncClient) -> None:
    await talked(http, "Picked", "Create a billing agent")
    with terminal(CHAT, **address(server_url)) as hand:
        await hand.until("1  Picked  (version 2)")
        hand.type("1")
        hand.press("Enter")
        await hand.until("you> Create a billing agent")


async def test_a_watch_shows_each_event_on_a_line_with_its_project(server_url: str, http: httpx.AsyncClient) -> None:
    with terminal(WATCH, **address(server_url)) as hand:
        await hand.until(f"Watching {server_url}. Ctrl-C stops.")
        await talked(http, "Watched", "Create a triage agent")
        screen = await hand.until("vibecode_response")
        hand.press("C-c")
        await hand.until_ended(0)
    lines = [line for line in screen.splitlines() if "Watched" in line]
    assert any("vibecode_response" in line for line in lines)
    assert all(" seq " in line for line in screen.splitlines() if line and "Watching" not in line)  # one line each

"""A conversation is scrolled to its newest message until the user scrolls away."""

import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.held_requests import HeldRequests

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
PROJECT, OTHER = "Many messages", "No messages"
MESSAGES = 10
PROMPT = "What agents are there?"
LAST = f"{PROMPT} ({MESSAGES})"
_WAIT_SECONDS = 10.0
NEAR = 40
_UNTIL_STILL = """(log) => new Promise((done) => {
  let [top, frames] = [log.scrollTop, 0];
  const look = () => {
    frames = log.scrollTop === top ? frames + 1 : 0;
    top = log.scrollTop;
    frames < 20 ? requestAnimationFrame(look) : done();
  };
  look();
})"""
_REST = "(log) => log.scrollHeight - log.clientHeight - log.scrollTop"


@pytest.fixture(scope="module")
def conversation_url(server_url: str) -> str:
    """A server with a project of many messages and an empty one."""
    create_conversation(server_url, PROJECT, MESSAGES)
    httpx.post(f"{server_url}/projects", json={"name": OTHER})
    return server_url


def create_conversation(url: str, name: str, messages: int) -> str:
    """Create a project with some messages; returns the id of the session."""
    with httpx.Client(base_url=url, timeout=60) as api:
        project = api.post("/projects", json={"name": name}).json()["project_id"]
        session = str(api.post(f"/projects/{project}/sessions", json={"node_id": None}).json()["session_id"])
        for number in range(1, messages + 1):
            prompt = f"{PROMPT} ({number})"
            assert api.post(f"/sessions/{session}/messages", json={"prompt": prompt}).is_success
    return session


@pytest.fixture(params=list(SCREENS.values()), ids=list(SCREENS))
def visitor(request: pytest.FixtureRequest, visit: Visit, conversation_url: str) -> ConsolePage:
    """A visitor on each screen, with no project open."""
    visitor = visit(**request.param)
    expect(visitor.connection).to_have_text("Live")
    return visitor


def expect_newest(visitor: ConsolePage) -> None:
    """The conversation is loaded and scrolled to its end."""
    expect(visitor.message(LAST)).to_contain_text("No change")
    expect(visitor.message(LAST).get_by_text("No change")).to_be_in_viewport()
    # Not wait_for_function: it uses eval(), which the content security policy forbids.
    deadline = time.monotonic() + _WAIT_SECONDS
    while visitor.page.evaluate(f"({_REST})(document.querySelector('[role=log]'))") >= NEAR:
        assert time.monotonic() < deadline, "the conversation was not scrolled to its end"
        visitor.page.wait_for_timeout(20)
    expect(visitor.page.get_by_role("button", name="Newest")).to_have_count(0)


def come_back(visitor: ConsolePage) -> None:
    visitor.open_project(PROJECT)
    visitor.show_panel("Conversation")
    expect_newest(visitor)


def test_the_newest_message_is_in_view_after_every_way_to_the_conversation(
    visitor: ConsolePage,
) -> None:
    for _ in range(2):
        come_back(visitor)
        visitor.open_project(OTHER)
        expect(visitor.page.get_by_text("What should the workflow do?")).to_be_visible()
        come_back(visitor)
        visitor.show_panel("Workflow")
        visitor.press(visitor.node("assistant"))
        expect(visitor.page.get_by_role("heading", name="assistant")).to_be_visible()
        visitor.show_panel("Workflow")
        visitor.press(visitor.page.get_by_role("button", name="Entire project"))
        visitor.show_panel("Conversation")
        expect_newest(visitor)
        visitor.page.reload()
        visitor.show_panel("Conversation")
        expect_newest(visitor)
        visitor.page.evaluate("location.hash = '#/'")
        expect(visitor.page.get_by_role("heading", name="Edit an agent workflow")).to_be_attached()


def test_events_that_are_read_later_keep_the_newest_message_in_view(visitor: ConsolePage) -> None:
    held = HeldRequests(visitor.page, "GET", r"/events\?")
    visitor.open_project(PROJECT)
    visitor.show_panel("Conversation")
    expect(visitor.message(LAST)).to_be_visible()
    held.wait()
    held.release()
    expect(visitor.message(LAST)).to_contain_text("VibeCoder")
    expect_newest(visitor)


def test_content_that_shrinks_for_a_moment_does_not_count_as_scrolling(visitor: ConsolePage) -> None:
    come_back(visitor)
    # As when another conversation is shown: the browser scrolls the emptied list to its start.
    visitor.log.evaluate("""async (log) => {
      const frame = () => new Promise(requestAnimationFrame);
      const messages = [...log.firstElementChild.children];
      for (const keepFirst of [0, 3, 0]) {
        messages.slice(keepFirst).forEach((one) => { one.style.display = 'none'; });
        log.getBoundingClientRect(), log.scrollTop;
        if (keepFirst) await frame();
        messages.forEach((one) => { one.style.display = ''; });
        log.getBoundingClientRect();
        await frame(), await frame();
      }
    }""")
    expect_newest(visitor)


def test_a_user_who_scrolled_up_stays_there_when_messages_arrive(visitor: ConsolePage, conversation_url: str) -> None:
    name = f"Going on at {visitor.page.viewport_size}"
    session = create_conversation(conversation_url, name, 6)
    visitor.page.reload()
    visitor.open_project(name)
    visitor.show_panel("Conversation")
    expect(visitor.message(f"{PROMPT} (6)").get_by_text("No change")).to_be_in_viewport()
    scroll_up(visitor)
    expect(visitor.page.get_by_role("button", name="Newest")).to_be_visible()
    response = httpx.post(f"{conversation_url}/sessions/{session}/messages", json={"prompt": "And now?"}, timeout=60)
    assert response.is_success
    expect(visitor.message("And now?")).to_contain_text("No change")
    visitor.settle()
    assert visitor.log.evaluate(_REST) >= NEAR
    expect(visitor.message("And now?").get_by_text("No change")).not_to_be_in_viewport()
    visitor.press(visitor.page.get_by_role("button", name="Newest"))
    expect(visitor.page.get_by_role("button", name="Newest")).to_have_count(0)
    expect(visitor.message("And now?").get_by_text("No change")).to_be_in_viewport()


@pytest.mark.parametrize("key", ["Home", "PageUp", "ArrowUp"])
def test_keys_scroll_up_as_well(visit: Visit, conversation_url: str, key: str) -> None:
    visitor = visit()
    visitor.page.set_viewport_size({"width": 1440, "height": 500})
    visitor.open_project(PROJECT)
    expect(visitor.message(f"{PROMPT} ({MESSAGES})")).to_be_visible()
    visitor.log.focus()
    for _ in range(4 if key == "ArrowUp" else 1):
        visitor.page.keyboard.press(key)
    expect(visitor.page.get_by_role("button", name="Newest")).to_be_visible()


def scroll_up(visitor: ConsolePage) -> None:
    """Scroll by the wheel, or by touch."""
    box = visitor.log.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if not visitor.is_narrow:
        visitor.page.mouse.move(x, y)
        visitor.page.mouse.wheel(0, -200)
        return
    finger = visitor.page.context.new_cdp_session(visitor.page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for moved in range(20, 220, 20):
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + moved}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    # Momentum scrolling goes on, and a tap during it only stops it.
    visitor.log.evaluate(_UNTIL_STILL)

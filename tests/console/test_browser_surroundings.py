"""What is around the conversation: the list of projects, the tab's title, what is seldom wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage, Visits
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Create a triage agent"
_ROOM = """(list) => ({
  shown: list.clientHeight, all: list.scrollHeight, row: list.querySelector('li').offsetHeight,
  free: document.querySelector('.workflow').getBoundingClientRect().bottom
    - document.querySelector('.graph-section :is(.graph, .graph-empty)').getBoundingClientRect().bottom,
})"""


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
def test_the_list_of_projects_uses_the_room_there_is_and_cuts_through_no_row(
    visits: Visits, model: ServerProcess, tmp_path: Path, screen: dict[str, Any], shot: Shot
) -> None:
    with vibewire_process(tmp_path, model.url) as server:
        visitor = visits.open(server.url, **screen)
        for number in range(12):
            visitor.new_project(f"Project {number}")
        visitor.page.reload()
        visitor.open_project("Project 3")
        visitor.show_panel("Workflow")
        expect(visitor.node("assistant")).to_be_visible()
        places = visitor.page.get_by_role("region", name="Projects").get_by_role("list")
        room = places.evaluate(_ROOM)
        assert room["shown"] == room["all"], "there is room for all of them"
        shot(visitor, f"25-twelve-projects-{screen['viewport']['width']}")
        for number in range(12, 60):
            visitor.new_project(f"Project {number}")
        visitor.page.reload()
        visitor.show_panel("Workflow")
        expect(visitor.node("assistant")).to_be_visible()
        expect(visitor.row("Project 59")).to_be_visible()
        room = places.evaluate(_ROOM)
        assert room["shown"] % room["row"] == 0, "a row is cut"
        assert room["shown"] > 190
        assert room["free"] < 2 * room["row"] + 20, "there is room left"
        assert visitor.width_beyond_screen() == 0
        shot(visitor, f"26-sixty-projects-{screen['viewport']['width']}")
        visitor.page.close()


def test_the_tab_is_called_as_its_project_and_marked_when_a_turn_ends_unseen(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.page).to_have_title("Vibewire")
    visitor.create_project("Named \u200btab")
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    turn_to(visitor, "hidden")
    visitor.send("Make it Spanish")
    visitor.completed("Make it Spanish", version=3)
    expect(visitor.page).to_have_title("● Named ⟨U+200B⟩tab · Vibewire")
    turn_to(visitor, "visible")
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    visitor.page.get_by_role("link", name="Vibewire, all projects").click()
    expect(visitor.page).to_have_title("Vibewire")


def turn_to(visitor: ConsolePage, state: str) -> None:
    """As when another tab comes to the front; a headless browser shows all of them at once."""
    visitor.page.evaluate(
        """(state) => {
          Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        state,
    )


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
def test_a_conversation_is_deleted_from_a_menu_that_asks_and_can_be_left(visit: Visit, screen: dict[str, Any]) -> None:
    visitor = visit(**screen)
    visitor.create_project("To be deleted")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    menu = visitor.page.get_by_role("button", name="Conversation menu")
    item = visitor.page.get_by_role("menuitem", name="Delete the conversation")
    expect(item).to_have_count(0)
    visitor.press(menu)
    expect(item).to_be_focused()
    assert visitor.width_beyond_screen() == 0
    assert visitor.grave_findings() == []
    visitor.page.keyboard.press("Escape")
    expect(item).to_have_count(0)
    expect(menu).to_be_focused()
    visitor.press(menu)
    visitor.press(visitor.prompt)
    expect(item).to_have_count(0)
    visitor.press(menu)
    visitor.press(item)
    visitor.press(visitor.page.get_by_role("button", name="Keep"))
    visitor.press(menu)
    visitor.press(item)
    visitor.press(visitor.page.get_by_role("button", name="Delete for everybody"))
    expect(visitor.page.get_by_text("This conversation was deleted")).to_be_visible()

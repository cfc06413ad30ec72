"""Around the conversation: the size of the project list, the title of the tab, the conversation menu."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.visits import Visits
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Create a triage agent"
_SIZES = """(list) => ({
  shown: list.clientHeight, all: list.scrollHeight, row: list.querySelector('li').offsetHeight,
  free: document.querySelector('.workflow').getBoundingClientRect().bottom
    - document.querySelector('.graph-section :is(.graph, .graph-empty)').getBoundingClientRect().bottom,
})"""


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
def test_the_list_of_projects_uses_the_available_height_and_shows_complete_rows(
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
        projects = visitor.page.get_by_role("region", name="Projects").get_by_role("list")
        sizes = projects.evaluate(_SIZES)
        assert sizes["shown"] == sizes["all"], "the list scrolls although all rows fit"
        shot(visitor, f"25-twelve-projects-{screen['viewport']['width']}")
        for number in range(12, 60):
            visitor.new_project(f"Project {number}")
        visitor.page.reload()
        visitor.show_panel("Workflow")
        expect(visitor.node("assistant")).to_be_visible()
        expect(visitor.row("Project 59")).to_be_visible()
        sizes = projects.evaluate(_SIZES)
        assert sizes["shown"] % sizes["row"] == 0, "a row is cut off"
        assert sizes["shown"] > 190
        assert sizes["free"] < 2 * sizes["row"] + 20, "there is unused space"
        assert visitor.width_beyond_screen() == 0
        shot(visitor, f"26-sixty-projects-{screen['viewport']['width']}")
        visitor.page.close()


def test_the_title_of_the_tab_names_the_project_and_marks_an_unseen_end_of_a_turn(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.page).to_have_title("Vibewire")
    visitor.create_project("Named \u200btab")
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    set_visibility(visitor, "hidden")
    visitor.send("Make it Spanish")
    visitor.completed("Make it Spanish", version=3)
    expect(visitor.page).to_have_title("● Named ⟨U+200B⟩tab · Vibewire")
    set_visibility(visitor, "visible")
    expect(visitor.page).to_have_title("Named ⟨U+200B⟩tab · Vibewire")
    visitor.page.get_by_role("link", name="Vibewire, all projects").click()
    expect(visitor.page).to_have_title("Vibewire")


def set_visibility(visitor: ConsolePage, state: str) -> None:
    """Simulate that the tab is hidden or shown: in a headless browser every tab is visible."""
    visitor.page.evaluate(
        """(state) => {
          Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        state,
    )


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
def test_a_conversation_is_deleted_from_its_menu_after_confirmation(visit: Visit, screen: dict[str, Any]) -> None:
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
    assert visitor.serious_violations() == []
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

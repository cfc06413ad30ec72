"""Code is edited by hand: click or tap into the text, type, leave the page, and come back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.source_editor import SourceEditor

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
# More lines than fit on a screen: the editor renders the visible ones.
LINES = [f"line_{number} = {number}" for number in range(250)]
CODE = "\n".join(LINES) + "\n"


@pytest.fixture(params=list(SCREENS.values()), ids=list(SCREENS))
def screen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A large screen, a small one, a telephone."""
    options: dict[str, Any] = request.param
    return options


def opened(visit: Visit, screen: dict[str, Any], name: str) -> tuple[ConsolePage, SourceEditor]:
    """A project's code, in the editor."""
    visitor = visit(**screen)
    visitor.page.goto(f"{visitor.url}/#/project/{visitor.new_project(name, CODE)}")
    visitor.show_panel("Code")
    visitor.press(visitor.code.get_by_role("button", name="Edit"))
    editor = SourceEditor(visitor)
    editor.expect_text(CODE)
    return visitor, editor


def test_typed_text_is_inserted_where_the_user_clicks_or_taps(visit: Visit, screen: dict[str, Any], shot: Shot) -> None:
    visitor, editor = opened(visit, screen, "By hand")
    # Two lines near the top, and one that is rendered only when it is scrolled to.
    # At different positions on the screen: two taps at the same position are a double tap.
    for number, top in ((0, 0), (12, 140), (220, 4200)):
        editor.scroll_to(top)
        visitor.page.locator("h2").first.evaluate("(_) => document.activeElement.blur()")
        editor.press_line(number, len(LINES[number]) + 4)
        expect(editor.field).to_be_focused()
        visitor.page.keyboard.type("  # seen")
    changed = [line + ("  # seen" if number in (0, 12, 220) else "") for number, line in enumerate(LINES)]
    editor.expect_text("\n".join(changed) + "\n")
    editor.press_line(213, 4)
    visitor.page.keyboard.type("X")
    assert LINES[213][:4] + "X" + LINES[213][4:] in editor.text()
    shot(visitor, f"20-by-hand-{screen['viewport']['width']}")
    visitor.press(visitor.code.get_by_role("button", name="Save"))
    expect(visitor.code.get_by_label("Version", exact=True)).to_have_value("2")


def test_an_edit_survives_other_tabs_other_projects_and_a_reload(visit: Visit, screen: dict[str, Any]) -> None:
    here, elsewhere = (f"{name} at {screen['viewport']['width']}" for name in ("Kept", "Elsewhere"))
    visitor, editor = opened(visit, screen, here)
    visitor.new_project(elsewhere)
    editor.press_line(2, 30)
    visitor.page.keyboard.type("  # and")
    visitor.press(visitor.code.get_by_role("button", name="Changes"))
    expect(visitor.code).to_contain_text("Version 1")
    visitor.press(visitor.code.get_by_role("button", name="Code"))
    editor.expect_text(CODE.replace(LINES[2], f"{LINES[2]}  # and"))
    editor.press_line(2, 30)
    visitor.page.keyboard.type(" then")
    # The list is read again when the page becomes visible.
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    visitor.open_project(elsewhere)
    expect(visitor.page.locator("header")).to_contain_text(elsewhere)
    visitor.show_panel("Code")
    expect(visitor.code.get_by_role("button", name="Edit")).to_be_visible()
    visitor.open_project(here)
    visitor.show_panel("Code")
    editor.expect_text(CODE.replace(LINES[2], f"{LINES[2]}  # and then"))
    editor.press_line(2, 30)
    visitor.page.keyboard.type(" a rel")
    visitor.page.reload()
    visitor.show_panel("Code")
    editor.expect_text(CODE.replace(LINES[2], f"{LINES[2]}  # and then a rel"))
    visitor.press(visitor.code.get_by_role("button", name="Save"))
    expect(visitor.code.get_by_label("Version", exact=True)).to_have_value("2")
    visitor.page.reload()
    visitor.show_panel("Code")
    expect(visitor.code.get_by_role("button", name="Edit")).to_be_visible()


def test_an_edit_is_kept_when_the_model_lands_a_change_and_can_be_merged_with_it(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Merged")
    visitor.press(visitor.code.get_by_role("button", name="Edit"))
    editor = SourceEditor(visitor)
    before = editor.text()
    editor.press_line(0, 0)
    visitor.page.keyboard.type("# mine\n")
    visitor.send("Create a triage agent")
    visitor.completed("Create a triage agent", version=2).get_by_role("button", name="Version 2").click()
    expect(visitor.code.get_by_role("region", name="5 lines added, 0 removed")).to_be_visible()
    visitor.press(visitor.code.get_by_role("button", name="Code"))
    editor.expect_text(f"# mine\n{before}")
    visitor.press(visitor.code.get_by_role("button", name="Merge it"))
    editor.expect_text(re.compile("# mine.*triage_agent", re.DOTALL))
    visitor.press(visitor.code.get_by_role("button", name="Save"))
    expect(visitor.code.get_by_label("Version", exact=True)).to_have_value("3")


def test_cancel_asks_before_it_discards_changes(visit: Visit, shot: Shot) -> None:
    visitor, editor = opened(visit, SCREENS["390"], "Asked")
    visitor.press(visitor.code.get_by_role("button", name="Cancel"))
    expect(editor.field).to_have_count(0)
    visitor.press(visitor.code.get_by_role("button", name="Edit"))
    editor.press_line(1, 30)
    visitor.page.keyboard.type("# dear")
    visitor.press(visitor.code.get_by_role("button", name="Cancel"))
    expect(visitor.code.get_by_text("Discard your changes?")).to_be_visible()
    shot(visitor, "21-throw-away")
    visitor.press(visitor.code.get_by_role("button", name="Keep editing"))
    expect(editor.field).to_be_focused()
    editor.expect_text(CODE.replace(LINES[1], f"{LINES[1]}# dear"))
    visitor.press(visitor.code.get_by_role("button", name="Cancel"))
    visitor.press(visitor.code.get_by_role("button", name="Discard"))
    expect(visitor.code.get_by_role("button", name="Edit")).to_be_focused()
    visitor.page.reload()
    visitor.show_panel("Code")
    expect(visitor.code.get_by_role("button", name="Edit")).to_be_visible()


def test_text_typed_while_an_edit_is_saved_becomes_the_next_edit(visit: Visit) -> None:
    visitor, editor = opened(visit, SCREENS["1440"], "Saving")
    held: list[Any] = []
    visitor.page.route(
        "**/projects/*", lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_()
    )
    editor.press_line(0, 30)
    visitor.page.keyboard.type("# one")
    visitor.press(visitor.code.get_by_role("button", name="Save"))
    expect(visitor.code.get_by_role("button", name="Saving…")).to_be_visible()
    editor.press_line(1, 30)
    visitor.page.keyboard.type("# two")
    held.pop().continue_()
    expect(visitor.code.get_by_text("From version 2")).to_be_visible()
    editor.expect_text(CODE.replace(LINES[0], f"{LINES[0]}# one").replace(LINES[1], f"{LINES[1]}# two", 1))
    visitor.page.unroute("**/projects/*")
    visitor.press(visitor.code.get_by_role("button", name="Save"))
    expect(visitor.code.get_by_label("Version", exact=True)).to_have_value("3")


def test_the_keyboard_searches_undoes_and_leaves_the_editor(visit: Visit) -> None:
    visitor, editor = opened(visit, SCREENS["1440"], "By keys")
    editor.find("line_240 =")
    expect(editor.field).to_be_focused()
    # Shortcuts of the page, but plain characters in the editor.
    visitor.page.keyboard.type("[/]")
    visitor.page.keyboard.press("Tab")
    expect(editor.field.get_by_text("[/]    line_240 = 240")).to_be_in_viewport()
    for _ in range(3):
        visitor.page.keyboard.press("Control+z")
    editor.expect_text(CODE)
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("Tab")
    expect(visitor.code.get_by_role("button", name="Cancel")).to_be_focused()


def test_the_scroll_position_is_kept_when_another_version_is_shown(visit: Visit) -> None:
    visitor = visit()
    project = visitor.new_project("Versions", CODE)
    change = {"code": CODE.replace(LINES[200], "changed = True"), "base_version": 1}
    answer = visitor.page.request.patch(
        f"{visitor.url}/projects/{project}", data=change, headers={"Origin": visitor.url}
    )
    assert answer.ok, answer.text()
    visitor.page.goto(f"{visitor.url}/#/project/{project}")
    source = visitor.code.get_by_role("region", name="Source").get_by_role("textbox")
    # Both versions are loaded once, then scrolled.
    visitor.code.get_by_role("button", name="Older version").click()
    expect(source.get_by_text(LINES[0], exact=True)).to_be_in_viewport()
    visitor.code.get_by_role("button", name="Newer version").click()
    source.evaluate("(content) => { content.parentElement.scrollTop = 3900; }")
    expect(source.get_by_text("changed = True")).to_be_in_viewport()
    visitor.code.get_by_role("button", name="Older version").click()
    expect(source.get_by_text(LINES[200], exact=True)).to_be_in_viewport()

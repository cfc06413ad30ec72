"""Changes are shown with their changed words and their hidden characters, on every screen."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.source_editor import SourceEditor, copied_text

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
LONG = "Answer politely and shortly, and do not promise anything that is not in the handbook. " * 3
BEFORE = f'assistant = Agent(name="Assistant", instructions="{LONG}Answer in English.")\n'
AFTER = BEFORE.replace("English", "Spanish")
HIDDEN = f"{BEFORE}# pay \u202e 100\u2066 to \u200bmallory\n"


def with_change(visit: Visit, screen: dict[str, Any], name: str, after: str, before: str = BEFORE) -> ConsolePage:
    """A project with a second version; its change is shown."""
    visitor = visit(**screen)
    project = visitor.new_project(name, before)
    change = {"code": after, "base_version": 1}
    answer = visitor.page.request.patch(
        f"{visitor.url}/projects/{project}", data=change, headers={"Origin": visitor.url}
    )
    assert answer.ok, answer.text()
    visitor.page.goto(f"{visitor.url}/#/project/{project}")
    visitor.show_panel("Code")
    visitor.press(visitor.code.get_by_role("button", name="Changes"))
    return visitor


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_changed_words_of_a_long_line_are_visible_and_marked(
    visit: Visit, screen: dict[str, Any], scheme: str, shot: Shot
) -> None:
    visitor = with_change(visit, {**screen, "color_scheme": scheme}, "Long lines", AFTER)
    expect(visitor.code.locator("del mark")).to_have_text("English")
    expect(visitor.code.locator("ins mark")).to_have_text("Spanish")
    expect(visitor.code.locator("del mark")).to_be_in_viewport(ratio=1)
    expect(visitor.code.locator("ins mark")).to_be_in_viewport(ratio=1)
    diff = visitor.code.get_by_role("region", name="1 lines added, 1 removed")
    assert diff.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "part of it is to be reached only by scrolling"
    expect(visitor.code.locator("ins")).to_have_text(AFTER.rstrip("\n"))
    shot(visitor, f"23-changed-words-{screen['viewport']['width']}-{scheme}")
    assert visitor.serious_violations() == []
    if not visitor.is_narrow:
        visitor.code.get_by_role("button", name="Side by side").click()
        expect(visitor.code.locator("ins mark")).to_be_in_viewport(ratio=1)


def test_a_change_at_the_end_of_a_very_long_line_is_scrolled_into_view(visit: Visit) -> None:
    before = BEFORE.replace(LONG, LONG * 8)
    visitor = with_change(visit, SCREENS["390"], "Very long", before.replace("English", "Spanish"), before)
    expect(visitor.code.locator("del mark")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("screen", list(SCREENS.values()), ids=list(SCREENS))
def test_hidden_characters_are_marked_in_place_with_a_warning(visit: Visit, screen: dict[str, Any], shot: Shot) -> None:
    visitor = with_change(visit, screen, "Tro\u200bjan", HIDDEN)
    warning = visitor.code.get_by_role("note")
    expect(warning).to_contain_text("This change contains hidden characters: U+202E right-to-left override (line 2)")
    expect(warning).to_contain_text("U+2066 left-to-right isolate (line 2), U+200B zero-width space (line 2)")
    expect(visitor.code.locator("ins .hidden-character")).to_have_count(3)
    # The text after a hidden character is displayed after it.
    places = visitor.code.locator("ins").evaluate(_PLACES, ["pay", "100", "to", "mallory"])
    assert places == sorted(places)
    shot(visitor, f"24-hidden-characters-{screen['viewport']['width']}")
    visitor.press(visitor.code.get_by_role("button", name="Code", exact=True))
    source = visitor.code.get_by_role("region", name="Source")
    expect(source.get_by_role("img", name="U+202E: right-to-left override")).to_be_visible()
    # Copying gives the unchanged text.
    assert copied_text(source.get_by_role("textbox")) == HIDDEN.rstrip("\n")
    visitor.press(visitor.code.get_by_role("button", name="Edit"))
    expect(visitor.code.get_by_role("note")).to_contain_text("This text contains hidden characters: U+202E")
    SourceEditor(visitor).expect_text(HIDDEN)
    visitor.show_panel("Workflow")
    expect(visitor.page.get_by_role("region", name="Projects").locator(".hidden-character").first).to_be_visible()
    expect(visitor.page.locator("header .hidden-character")).to_have_attribute("data-code", "U+200B")


def test_hidden_characters_in_prompts_are_marked_and_emoji_are_not(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Prompts")
    prompt = "What agents are there? \u202e 👨‍👩‍👧 ❤️ \u001b[31m"
    visitor.prompt.fill(prompt)
    visitor.prompt.press("Enter")
    said = visitor.page.get_by_role("article").locator(".prompt")
    expect(said.locator(".hidden-character")).to_have_count(2)
    expect(said).to_contain_text("👨‍👩‍👧 ❤️")


_PLACES = """(line, words) => {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  const lefts = {};
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of words) {
      const at = node.data.indexOf(word);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at), range.setEnd(node, at + 1);
      const {top, left} = range.getBoundingClientRect();
      lefts[word] = [Math.round(top / 10), left];
    }
  }
  return words.map((word) => lefts[word]);
}"""

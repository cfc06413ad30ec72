"""A source of 200 KB can be edited with highlighting and without delay."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage
from tests.console.source_editor import SourceEditor

pytestmark = pytest.mark.browser

LONGEST_TASK_MS = 200
SOURCE_BYTES = 200_000
FUNCTION = '''def function_{number}(text: str) -> str:
    """Says something if it is asked."""
    return "said: " + text[{number}:]


'''
_TEXT_OF_LINES = "(content) => [...content.querySelectorAll('.cm-line')].map((one) => one.textContent).join('\\n')"


def test_a_source_of_200_kb_is_edited_with_highlighting_and_without_delay(
    visit: Callable[..., ConsolePage], shot: Callable[[ConsolePage, str], None]
) -> None:
    visitor = visit()
    answer = visitor.page.request.post(
        f"{visitor.url}/projects", data={"name": "Much code", "code": long_source()}, headers={"Origin": visitor.url}
    )
    assert answer.ok, answer.text()
    visitor.page.goto(f"{visitor.url}/#/project/{answer.json()['project_id']}")
    expect(visitor.code.get_by_role("region", name="Source")).to_contain_text("function_0")
    # On a busy machine any task may be stretched once; a page that freezes does it each time.
    for tries in range(3):
        if tries > 0:
            visitor.code.get_by_role("button", name="Cancel").click()
            visitor.code.get_by_role("button", name="Discard").click()
        visitor.reset_tasks()
        edit(visitor)
        longest = visitor.longest_task()
        print(f"longest task: {longest} ms while a source of 200 KB was opened and edited")
        if longest <= LONGEST_TASK_MS:
            break
    shot(visitor, "19-editing-200-kb")
    visitor.code.get_by_role("button", name="Save").click()
    expect(visitor.code.get_by_label("Version", exact=True)).to_have_value("2")
    assert longest <= LONGEST_TASK_MS


def test_a_code_view_that_fails_to_load_is_reported_and_works_after_a_reload(
    visit: Callable[..., ConsolePage],
) -> None:
    visitor = visit()
    visitor.is_outage = True  # the browser logs the script that it did not get
    visitor.page.route("**/code_modules*", lambda route: route.abort())
    visitor.page.goto(f"{visitor.url}/#/project/{visitor.new_project('Not loaded', long_source()[:40_000])}")
    expect(visitor.code.get_by_text("The code view could not be loaded")).to_be_visible()
    visitor.page.unroute_all()
    visitor.code.get_by_role("button", name="Reload").click()
    source = visitor.code.get_by_role("region", name="Source")
    expect(source.get_by_text("function_0", exact=True)).to_have_class("tk-title")


def edit(visitor: ConsolePage) -> None:
    """Open the editor and type at the start, in the middle and at the end; each time the text is highlighted."""
    visitor.code.get_by_role("button", name="Edit").click()
    editor = SourceEditor(visitor)
    lines = editor.field
    expect(lines.get_by_text("function_0", exact=True)).to_have_class("tk-title")
    for share, name, value in ((0, "first", "None"), (0.5, "middle", "12345"), (0.999, "last", "True")):
        editor.find(f"def function_{int(share * (SOURCE_BYTES // len(FUNCTION)))}(")
        visitor.page.keyboard.press("Enter")
        visitor.page.keyboard.press("ArrowUp")
        for key in f"{name} = {value}":
            visitor.page.keyboard.press(key)
        expect(lines.get_by_text(value, exact=True)).to_be_in_viewport()
        expect(lines.get_by_text(value, exact=True)).to_have_class("tk-number" if value == "12345" else "tk-literal")
    visitor.page.wait_for_timeout(300)  # the highlighting has caught up
    assert lines.evaluate(_TEXT_OF_LINES) in editor.text()


def long_source() -> str:
    functions = (FUNCTION.format(number=number) for number in range(SOURCE_BYTES // len(FUNCTION)))
    return "from agents import Agent\n\n\n" + "".join(functions)

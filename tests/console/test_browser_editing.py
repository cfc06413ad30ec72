"""A source of 200 KB is edited in colours, and no key has to wait."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.console.browser_page import ConsolePage

pytestmark = pytest.mark.browser

LONGEST_TASK_MS = 200
SOURCE_BYTES = 200_000
FUNCTION = '''def function_{number}(text: str) -> str:
    """Says something if it is asked."""
    return "said: " + text[{number}:]


'''
_GO_TO_A_FUNCTION = """
(field, share) => {
  const at = share && field.value.indexOf('def ', share * field.value.length);
  field.focus();
  field.setSelectionRange(at, at);
}
"""
_TEXT_OF_LINES = "(lines) => [...lines.querySelectorAll('code')].map((one) => one.textContent).join('\\n')"


def test_a_source_of_200_kb_is_edited_in_colours_and_no_key_waits(
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
            visitor.code.get_by_role("button", name="Throw away").click()
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


def test_a_worker_that_fails_once_does_not_end_the_colouring(visit: Callable[..., ConsolePage]) -> None:
    visitor = visit()
    visitor.is_outage = True  # the browser itself writes of the script that it did not get
    lost: list[str] = []

    def lose_once(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    visitor.page.route("**/page_worker*", lose_once)
    visitor.page.goto(f"{visitor.url}/#/project/{visitor.new_project('A lost worker', long_source()[:40_000])}")
    source = visitor.code.get_by_role("region", name="Source")
    expect(source.get_by_text("function_0", exact=True)).to_have_class("tk-title")
    assert len(lost) == 1


def edit(visitor: ConsolePage) -> None:
    """Open the editor and write something at the begin, in the middle and at the end; each time it gets its colours."""
    visitor.code.get_by_role("button", name="Edit").click()
    field = visitor.code.get_by_role("textbox")
    lines = visitor.code.locator(".editor-lines")
    expect(lines.get_by_text("function_0", exact=True)).to_have_class("tk-title")
    for share, name, value in ((0, "first", "None"), (0.5, "middle", "12345"), (0.999, "last", "True")):
        field.evaluate(_GO_TO_A_FUNCTION, share)
        visitor.page.keyboard.press("Enter")
        visitor.page.keyboard.press("ArrowUp")
        for key in f"{name} = {value}":
            visitor.page.keyboard.press(key)
        expect(lines.get_by_text(value, exact=True)).to_be_in_viewport()
        expect(lines.get_by_text(value, exact=True)).to_have_class("tk-number" if value == "12345" else "tk-literal")
    visitor.page.wait_for_timeout(300)  # all has been coloured anew
    assert lines.evaluate(_TEXT_OF_LINES) == field.input_value()


def long_source() -> str:
    functions = (FUNCTION.format(number=number) for number in range(SOURCE_BYTES // len(FUNCTION)))
    return "from agents import Agent\n\n\n" + "".join(functions)

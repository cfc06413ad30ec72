"""The list of projects follows what other tabs and other people do, without a reload."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browser_page import ConsolePage, Visits

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
# Another tab of one browser is told at once; the list is read again by itself every 12 to 18 seconds.
AT_ONCE_MS = 3_000
SOON_MS = 25_000


def test_other_tabs_follow_at_once_and_other_people_soon(visit: Visit, visits: Visits) -> None:
    one, somebody = visit(), visit()
    other = visits.open_beside(one)
    one.create_project("Fresh")
    expect(row(other, "Fresh")).to_be_visible(timeout=AT_ONCE_MS)
    row(other, "Fresh").click()
    expect(other.page.locator("header")).to_contain_text("Fresh")
    expect(other.connection).to_have_text("Live")

    rename(one, "Renamed")
    expect(row(other, "Renamed")).to_be_visible(timeout=AT_ONCE_MS)
    expect(row(other, "Fresh")).to_have_count(0)
    expect(other.page.locator("header")).to_contain_text("Renamed")
    # What the other tab saves does not bring the old name back.
    other.page.get_by_role("button", name="Project settings").click()
    expect(other.page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Renamed")
    other.page.get_by_role("textbox", name="Members").fill("eve")
    other.page.get_by_role("button", name="Save").click()
    expect(other.page.get_by_role("dialog")).to_have_count(0)
    expect(row(somebody, "Renamed")).to_be_visible(timeout=SOON_MS)
    somebody.page.close()

    one.page.get_by_role("button", name="Project settings").click()
    expect(one.page.get_by_role("textbox", name="Members")).to_have_value("eve")
    one.page.get_by_role("button", name="Delete the project…").click()
    # Whoever looks at it is told by the relay; the browser itself writes of what it then cannot read any more.
    other.is_outage = True
    one.page.get_by_role("button", name="Delete it for good").click()
    expect(row(other, "Renamed")).to_have_count(0, timeout=AT_ONCE_MS)
    expect(other.page.get_by_role("button", name="All projects")).to_be_visible()


def test_a_project_that_is_opened_by_its_link_is_in_the_list_at_once(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    created = visitor.page.request.post(f"{visitor.url}/projects", data={"name": "By its link"})
    visitor.page.goto(f"{visitor.url}/#/project/{created.json()['project_id']}")
    expect(row(visitor, "By its link")).to_be_visible(timeout=AT_ONCE_MS)
    expect(visitor.page.locator("header")).to_contain_text("By its link")


def test_an_agent_that_is_not_in_the_code_is_said_to_be_missing_until_it_is_there(visit: Visit) -> None:
    visitor = visit()
    created = visitor.page.request.post(f"{visitor.url}/projects", data={"name": "Missing"})
    visitor.page.goto(f"{visitor.url}/#/project/{created.json()['project_id']}/node/triage_agent")
    missing = visitor.page.get_by_text("There is no agent 'triage_agent' in the code yet.")
    expect(missing).to_be_visible()
    visitor.page.get_by_role("textbox", name="Message", exact=True).fill("Create a triage agent")
    visitor.page.get_by_role("button", name="Send", exact=True).click()
    expect(visitor.page.get_by_role("button", name="Agent triage_agent")).to_be_visible()
    expect(missing).to_have_count(0)


def row(visitor: ConsolePage, name: str) -> Locator:
    """A project in the list."""
    return visitor.page.get_by_role("region", name="Projects").get_by_role("button", name=name, exact=True)


def rename(visitor: ConsolePage, name: str) -> None:
    visitor.page.get_by_role("button", name="Project settings").click()
    box = visitor.page.get_by_role("textbox", name="Name", exact=True)
    expect(box).to_be_focused()
    box.fill(name)
    box.press("Enter")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)

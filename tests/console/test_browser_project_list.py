"""The list of projects follows changes in other tabs and by other users, without a reload."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browser_page import ConsolePage
from tests.console.visits import Visits

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
# Tabs of one browser notify each other; the list is polled every 12 to 18 seconds.
NOTIFIED_MS = 3_000
POLLED_MS = 25_000


def test_changes_reach_other_tabs_by_notification_and_other_users_by_polling(visit: Visit, visits: Visits) -> None:
    one, other_user = visit(), visit()
    other = visits.open_tab(one)
    one.create_project("Fresh")
    expect(row(other, "Fresh")).to_be_visible(timeout=NOTIFIED_MS)
    row(other, "Fresh").click()
    expect(other.page.locator("header")).to_contain_text("Fresh")
    expect(other.connection).to_have_text("Live")

    rename(one, "Renamed")
    expect(row(other, "Renamed")).to_be_visible(timeout=NOTIFIED_MS)
    expect(row(other, "Fresh")).to_have_count(0)
    expect(other.page.locator("header")).to_contain_text("Renamed")
    # Saving in the other tab does not restore the old name.
    other.page.get_by_role("button", name="Project settings").click()
    expect(other.page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Renamed")
    other.page.get_by_role("textbox", name="Members").fill("eve")
    other.page.get_by_role("button", name="Save").click()
    expect(other.page.get_by_role("dialog")).to_have_count(0)
    expect(row(other_user, "Renamed")).to_be_visible(timeout=POLLED_MS)
    other_user.page.close()

    one.page.get_by_role("button", name="Project settings").click()
    expect(one.page.get_by_role("textbox", name="Members")).to_have_value("eve")
    one.page.get_by_role("button", name="Delete the project…").click()
    # The relay closes the project in the other tab; the browser logs its refused requests as errors.
    other.is_outage = True
    one.page.get_by_role("button", name="Delete it for good").click()
    expect(row(other, "Renamed")).to_have_count(0, timeout=NOTIFIED_MS)
    expect(other.page.get_by_role("button", name="All projects")).to_be_visible()


def test_a_project_that_is_opened_by_its_link_is_added_to_the_list(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    created = visitor.page.request.post(f"{visitor.url}/projects", data={"name": "By its link"})
    visitor.page.goto(f"{visitor.url}/#/project/{created.json()['project_id']}")
    expect(row(visitor, "By its link")).to_be_visible(timeout=NOTIFIED_MS)
    expect(visitor.page.locator("header")).to_contain_text("By its link")


def test_a_notice_says_that_an_agent_is_not_in_the_code_until_it_is(visit: Visit) -> None:
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

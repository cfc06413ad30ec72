"""The page of the API documents."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from backend.contracts.documents import FOLDER
from tests.console.browser_page import ConsolePage

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]


def test_calls_are_shown_with_their_errors_and_examples(visit: Visit, shot: Shot) -> None:
    reader = visit("/docs.html")
    expect(reader.page.get_by_role("heading", name="sessions")).to_be_visible()
    call = reader.page.locator("details#send_message")
    call.locator("summary").first.click()
    expect(call.get_by_role("region", name="What send_message takes")).to_contain_text("Create a triage agent")
    expect(call).to_contain_text("too_many_queued_messages")
    call.evaluate("(one) => one.scrollIntoView()")
    shot(reader, "17-docs-api")
    call.locator("details summary").filter(has_text="429").click()
    expect(call.get_by_role("region", name="Answer 429 of send_message: too_many_queued_messages")).to_be_visible()
    assert reader.serious_violations() == []


def test_events_are_shown_with_their_examples(visit: Visit, shot: Shot) -> None:
    reader = visit("/docs.html", color_scheme="dark")
    reader.page.get_by_role("button", name="Events").click()
    event = reader.page.locator("details#message-vibecode_response")
    event.locator("summary").click()
    expect(event.get_by_role("region", name="Example 1 of vibecode_response")).to_contain_text("triage_agent")
    event.evaluate("(one) => one.scrollIntoView()")
    shot(reader, "18-docs-events")
    assert reader.serious_violations() == []
    assert reader.width_beyond_screen() == 0


@pytest.mark.parametrize(("link", "file"), [("OpenAPI 3.1", "openapi.json"), ("AsyncAPI 3", "asyncapi.json")])
def test_the_documents_can_be_downloaded(visit: Visit, link: str, file: str) -> None:
    reader = visit("/docs.html")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name=link).click()
    assert download.value.path().read_text() == (FOLDER / file).read_text()


def test_the_docs_page_fits_a_screen_of_390_pixels(visit: Visit) -> None:
    reader = visit("/docs.html", viewport={"width": 390, "height": 844})
    for call in ("create_project", "get_message"):
        reader.page.locator(f"details#{call} summary").first.click()
    assert reader.width_beyond_screen() == 0

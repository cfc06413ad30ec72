"""Cancelled, queued and interrupted turns."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage
from tests.console.visits import Visits
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Write something"


def test_a_cancelled_message_can_be_sent_again(visit_writing: Visit, shot: Shot) -> None:
    visitor = visit_writing()
    visitor.create_project("Cancelling")
    message = visitor.send(PROMPT)
    expect(message).to_contain_text("Line 3:")
    visitor.page.get_by_role("button", name="Cancel", exact=True).click()
    expect(message.get_by_text("Nothing was changed.")).to_be_visible()
    expect(message).not_to_contain_text("Line 29:")
    shot(visitor, "09-cancelled")
    message.get_by_role("button", name="Try again").click()
    visitor.completed(PROMPT)
    expect(visitor.page.get_by_role("article")).to_have_count(2)


def test_queued_messages_are_shown_and_can_be_cancelled(visit_writing: Visit, shot: Shot) -> None:
    visitor = visit_writing()
    visitor.create_project("Waiting")
    visitor.send(PROMPT)
    waiting = visitor.send("And then?")
    expect(waiting.get_by_text("after 1 other message")).to_be_visible()
    shot(visitor, "10-waiting")
    waiting.get_by_role("button", name="Cancel").click()
    expect(waiting.get_by_text("Nothing was changed.")).to_be_visible()
    visitor.completed(PROMPT)
    expect(waiting).not_to_contain_text("Line 1:")


def test_a_killed_and_restarted_server_loses_and_repeats_nothing(
    visits: Visits, writer: ServerProcess, tmp_path: Path, shot: Shot
) -> None:
    with vibewire_process(tmp_path, writer.url) as server:
        visitor = visits.open(server.url)
        visitor.create_project("Interrupted")
        visitor.page.evaluate("window.isSamePage = true")
        message = visitor.send(PROMPT)
        expect(message).to_contain_text("Line 5:")
        visitor.is_outage = True
        server.kill()
    expect(visitor.connection).to_have_text("Reconnecting")
    shot(visitor, "11-reconnecting")
    # A prompt that is sent now waits for the connection.
    visitor.send("And then?")
    port = server.url.rpartition(":")[2]
    with vibewire_process(tmp_path, writer.url, port=port):
        expect(visitor.connection).to_have_text("Live")
        visitor.completed(PROMPT)
        expect(message.get_by_text("Started again (attempt 2)")).to_be_visible()
        visitor.completed("And then?")
        assert visitor.page.evaluate("window.isSamePage")
        text = visitor.log.text_content() or ""
        assert [text.count(f"Line {number}:") for number in (0, 5, 6, 29)] == [2, 2, 2, 2]
        expect(visitor.page.get_by_role("article")).to_have_count(2)
        visitor.page.close()

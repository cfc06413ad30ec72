"""The first visit: from an empty page to an approved change."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
WRITER_LINES = 30
PROMPT = "Create a triage agent"


def test_a_first_prompt_leads_to_an_answer_and_a_new_version(visit: Visit, shot: Shot) -> None:
    visitor = visit()
    expect(visitor.page.get_by_role("heading", name="Edit an agent workflow by talking to it")).to_be_visible()
    shot(visitor, "01-first-visit")
    visitor.create_project("Customer support")
    message = visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    expect(message.get_by_text("I created triage_agent.")).to_be_visible()
    expect(message.get_by_text("✓ approved")).to_be_visible()
    expect(visitor.code.get_by_role("region", name="5 lines added, 0 removed")).to_contain_text("triage_agent = Agent(")
    expect(visitor.node("triage_agent")).to_be_visible()
    shot(visitor, "02-landed")


def test_text_is_shown_while_the_model_streams_it(visit_writing: Visit, shot: Shot) -> None:
    visitor = visit_writing()
    visitor.create_project("Streaming")
    message = visitor.send("Write something")
    expect(visitor.page.get_by_text("VibeCoder is writing")).to_be_visible()
    expect(message).to_contain_text("Line 12:")
    expect(message).not_to_contain_text("Line 29:")
    shot(visitor, "03-streaming")
    visitor.completed("Write something")
    lines = [text.count("Line ") for text in visitor.log_history()]
    assert lines == sorted(lines), "text disappeared again"
    assert len(set(lines)) > 5
    assert lines[-1] == WRITER_LINES
    assert visitor.layout_shift() < 0.1


def test_a_patch_is_shown_during_its_review_and_becomes_a_version_when_approved(visit: Visit, shot: Shot) -> None:
    visitor = visit()
    visitor.create_project("Reviews")
    prompt = "Create a refund agent, but reject once"
    message = visitor.send(prompt)
    expect(message.get_by_text("✕ rejected")).to_be_visible()
    visitor.completed(prompt, version=2)
    expect(message.get_by_text("try 2").first).to_be_visible()
    expect(visitor.code.get_by_text("Version 2")).to_be_visible()
    assert any("Proposed by VibeCoder" in text for text in visitor.code_history())
    assert any("Rejected by the Evaluator" in text for text in visitor.code_history())
    shot(visitor, "04-rejected-then-landed")
    visitor.page.get_by_role("button", name="Side by side").click()
    expect(visitor.code.get_by_role("region", name="5 lines added, 0 removed")).to_be_visible()
    shot(visitor, "05-side-by-side")
    visitor.page.get_by_role("button", name="Older version").click()
    expect(visitor.code.get_by_text("Version 1")).to_be_visible()
    visitor.code.get_by_role("button", name="Code", exact=True).click()
    expect(visitor.code).not_to_contain_text("refund_agent")


def test_the_model_responses_can_be_read(visit: Visit, shot: Shot) -> None:
    visitor = visit()
    visitor.create_project("Responses")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2).get_by_role("button", name="Full response").click()
    expect(visitor.code).to_contain_text("3 responses")
    shot(visitor, "06-full-response")

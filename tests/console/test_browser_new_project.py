"""Typing goes on after creating a project: the text becomes the first prompt, however late responses arrive."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage
from tests.console.held_requests import HeldRequests

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
PROMPT = "Create a triage agent"
# The requests between creating a project and a conversation that is ready, in this order.
REQUESTS = {
    "the project is created": ("POST", r"/projects$"),
    "the list is read": ("GET", r"/projects\?"),
    "the project is read": ("GET", r"/projects/[^/?]+$"),
    "the sessions are listed": ("GET", r"/sessions\?"),
    "the conversation is started": ("POST", r"/sessions$"),
    "its messages are read": ("GET", r"/messages\?"),
}


@pytest.mark.parametrize("delayed", REQUESTS)
def test_text_that_is_typed_after_creating_a_project_stays_while_a_request_is_delayed(
    visit: Visit, delayed: str
) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    held = HeldRequests(visitor.page, *REQUESTS[delayed])
    visitor.page.get_by_role("textbox", name="Name of the new project").click()
    visitor.page.keyboard.type("Delayed")
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.type(PROMPT[:8])
    if delayed != "the project is created":
        expect(visitor.prompt).to_have_value(PROMPT[:8])
        expect(visitor.prompt).to_be_focused()
    visitor.page.keyboard.type(PROMPT[8:14])
    held.release()
    expect(visitor.prompt).to_have_value(PROMPT[:14])
    visitor.page.keyboard.type(PROMPT[14:])
    expect(visitor.page.get_by_text("What should the workflow do?")).to_be_visible()
    expect(visitor.prompt).to_have_value(PROMPT)
    expect(visitor.prompt).to_be_focused()
    expect(visitor.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    visitor.page.keyboard.press("Enter")
    visitor.completed(PROMPT, version=2)


def test_enter_before_the_conversation_is_ready_sends_the_prompt_once_it_is(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    held = HeldRequests(visitor.page, *REQUESTS["the conversation is started"])
    visitor.page.get_by_role("textbox", name="Name of the new project").click()
    visitor.page.keyboard.type("In a hurry")
    visitor.page.keyboard.press("Enter")
    expect(visitor.prompt).to_be_focused()
    visitor.page.keyboard.type(PROMPT)
    visitor.page.keyboard.press("Enter")
    expect(visitor.prompt).to_have_value(PROMPT)
    held.release()
    visitor.completed(PROMPT, version=2)
    expect(visitor.prompt).to_have_value("")


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_a_half_typed_prompt_survives_a_reload(visit: Visit, screen: dict[str, Any]) -> None:
    visitor = visit(**screen)
    visitor.page.get_by_role("textbox", name="Name of the new project").fill("Reloaded")
    visitor.page.keyboard.press("Enter")
    expect(visitor.prompt).to_be_focused()
    visitor.page.keyboard.type("Create a tri")
    visitor.page.reload()
    expect(visitor.prompt).to_have_value("Create a tri")
    visitor.press(visitor.prompt)
    visitor.page.keyboard.press("End")
    visitor.page.keyboard.type("age agent")
    expect(visitor.prompt).to_have_value(PROMPT)


def test_each_conversation_keeps_its_own_draft(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Two drafts")
    visitor.prompt.click()
    visitor.page.keyboard.type("To all")
    visitor.node("assistant").click()
    expect(visitor.prompt).to_have_value("")
    visitor.prompt.click()
    visitor.page.keyboard.type("To one")
    visitor.page.get_by_role("button", name="Entire project").click()
    expect(visitor.prompt).to_have_value("To all")
    visitor.node("assistant").click()
    expect(visitor.prompt).to_have_value("To one")


def test_a_project_that_cannot_be_created_keeps_its_name_in_the_input(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    visitor.is_outage = True
    visitor.page.route(re.compile(r"/projects$"), lambda route: route.abort())
    name = visitor.page.get_by_role("textbox", name="Name of the new project")
    name.click()
    visitor.page.keyboard.type("Not yet")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_text("The server cannot be reached")).to_be_visible()
    expect(name).to_have_value("Not yet")
    visitor.page.unroute_all()
    name.press("Enter")
    expect(visitor.page.locator("header")).to_contain_text("Not yet")
    expect(visitor.prompt).to_be_focused()


def test_the_focus_moves_on_when_a_pressed_button_disappears(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Focus")
    visitor.page.get_by_role("button", name="What agents are there?").click()
    expect(visitor.prompt).to_be_focused()
    visitor.completed("What agents are there?")
    visitor.code.get_by_role("button", name="Code", exact=True).click()
    visitor.code.get_by_role("button", name="Edit").click()
    expect(visitor.code.get_by_role("textbox")).to_be_focused()
    visitor.code.get_by_role("button", name="Cancel").click()
    expect(visitor.code.get_by_role("button", name="Edit")).to_be_focused()

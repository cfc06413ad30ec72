"""A project is created, and the next words are the first prompt: wherever the server's answers are in that moment."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import SCREENS, ConsolePage, HeldRequests

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
PROMPT = "Create a triage agent"
# What the page asks for between the name and a conversation that is ready, in this order.
ASKED = {
    "the project is created": ("POST", r"/projects$"),
    "the list is read": ("GET", r"/projects\?"),
    "the project is read": ("GET", r"/projects/[^/?]+$"),
    "the sessions are listed": ("GET", r"/sessions\?"),
    "the conversation is started": ("POST", r"/sessions$"),
    "its messages are read": ("GET", r"/messages\?"),
}


@pytest.mark.parametrize("moment", ASKED)
def test_what_is_typed_after_creating_a_project_stays_at_every_moment(visit: Visit, moment: str) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    held = HeldRequests(visitor.page, *ASKED[moment])
    visitor.page.get_by_role("textbox", name="Name of the new project").click()
    visitor.page.keyboard.type("At every moment")
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.type(PROMPT[:8])
    if moment != "the project is created":
        expect(visitor.prompt).to_have_value(PROMPT[:8])
        expect(visitor.prompt).to_be_focused()
    visitor.page.keyboard.type(PROMPT[8:14])
    held.let_go()
    expect(visitor.prompt).to_have_value(PROMPT[:14])
    visitor.page.keyboard.type(PROMPT[14:])
    expect(visitor.page.get_by_text("What should the workflow do?")).to_be_visible()
    expect(visitor.prompt).to_have_value(PROMPT)
    expect(visitor.prompt).to_be_focused()
    expect(visitor.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    visitor.page.keyboard.press("Enter")
    visitor.completed(PROMPT, version=2)


def test_enter_before_the_conversation_is_there_sends_the_prompt_once_it_is(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.connection).to_have_text("Live")
    held = HeldRequests(visitor.page, *ASKED["the conversation is started"])
    visitor.page.get_by_role("textbox", name="Name of the new project").click()
    visitor.page.keyboard.type("In a hurry")
    visitor.page.keyboard.press("Enter")
    expect(visitor.prompt).to_be_focused()
    visitor.page.keyboard.type(PROMPT)
    visitor.page.keyboard.press("Enter")
    expect(visitor.prompt).to_have_value(PROMPT)
    held.let_go()
    visitor.completed(PROMPT, version=2)
    expect(visitor.prompt).to_have_value("")


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_a_reload_in_mid_sentence_loses_nothing(visit: Visit, screen: dict[str, Any]) -> None:
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


def test_each_conversation_keeps_its_own_unsent_words(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Two drafts")
    visitor.prompt.click()
    visitor.page.keyboard.type("To all")
    visitor.node("assistant").click()
    expect(visitor.prompt).to_have_value("")
    visitor.prompt.click()
    visitor.page.keyboard.type("To one")
    visitor.page.get_by_role("button", name="Whole project").click()
    expect(visitor.prompt).to_have_value("To all")
    visitor.node("assistant").click()
    expect(visitor.prompt).to_have_value("To one")


def test_a_project_that_cannot_be_created_leaves_its_name_to_try_again(visit: Visit) -> None:
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


def test_the_keyboard_stays_where_the_person_is_when_what_was_pressed_goes_away(visit: Visit) -> None:
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

"""Narrow screens, themes, the keyboard, and accessibility."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import NARROW, ConsolePage

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Create a triage agent"


def test_a_screen_of_390_pixels_shows_every_panel_without_horizontal_scrolling(visit: Visit, shot: Shot) -> None:
    visitor = visit(**NARROW)
    assert visitor.width_beyond_screen() == 0
    visitor.create_project("In a pocket")
    visitor.send(PROMPT)
    message = visitor.completed(PROMPT, version=2)
    hint = visitor.page.get_by_text("Enter sends")
    assert hint.evaluate("(hint) => hint.scrollWidth <= hint.clientWidth"), "the hint is truncated"
    foot = [message.get_by_role("button", name=name).bounding_box() for name in ("Version 2", "Full response")]
    assert len({round(box["y"] + box["height"] / 2) for box in foot if box}) == 1, (
        "the footer of a message takes two lines"
    )
    panels = visitor.page.get_by_role("navigation", name="Panels")
    for number, panel in enumerate(("Conversation", "Code", "Workflow")):
        panels.get_by_role("button", name=panel).click()
        assert visitor.width_beyond_screen() == 0, panel
        shot(visitor, f"{12 + number}-narrow-{panel.lower()}")
        assert visitor.serious_violations() == [], panel
    visitor.node("triage_agent").click()
    expect(visitor.page.get_by_role("heading", name="triage_agent")).to_be_visible()


def test_the_theme_follows_the_system_and_can_be_chosen(visit: Visit, shot: Shot) -> None:
    visitor = visit(color_scheme="dark")
    visitor.create_project("By night")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    assert brightness(visitor) < 60
    shot(visitor, "15-dark")
    visitor.page.get_by_role("button", name="Colours: as the system").click()
    assert brightness(visitor) > 200
    visitor.page.reload()
    assert brightness(visitor) > 200


def brightness(visitor: ConsolePage) -> float:
    """The brightness of the page's background, from 0 to 255."""
    colour = visitor.page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/[0-9.]+/g)")
    return sum(float(part) for part in colour[:3]) / 3


def test_a_prompt_is_sent_and_an_agent_chosen_by_keyboard(visit: Visit) -> None:
    visitor = visit()
    visitor.create_project("Keys")
    visitor.page.locator("h2").first.click()
    visitor.page.keyboard.press("/")
    visitor.page.keyboard.type(PROMPT)
    visitor.page.keyboard.press("Enter")
    visitor.completed(PROMPT, version=2)
    visitor.node("assistant").focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", name="assistant")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_any_state(visit: Visit, scheme: str) -> None:
    visitor = visit(color_scheme=scheme)
    violations = {"first visit": visitor.serious_violations()}
    visitor.create_project("Accessible")
    violations["empty project"] = visitor.serious_violations()
    prompt = "Create a refund agent, but reject once"
    visitor.send(prompt)
    violations["running"] = visitor.serious_violations()
    visitor.completed(prompt, version=2)
    violations["landed"] = visitor.serious_violations()
    visitor.code.get_by_role("button", name="Code", exact=True).click()
    violations["code"] = visitor.serious_violations()
    visitor.code.get_by_role("button", name="Edit").click()
    violations["editing"] = visitor.serious_violations()
    visitor.page.get_by_role("button", name="Full response").click()
    expect(visitor.code).to_contain_text("responses · ")
    violations["full response"] = visitor.serious_violations()
    visitor.page.get_by_role("button", name="Project settings").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    violations["settings"] = visitor.serious_violations()
    assert {state: found for state, found in violations.items() if found} == {}

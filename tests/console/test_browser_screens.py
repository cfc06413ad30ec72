"""Narrow screens, dark and light, the keyboard, and what axe says of each state."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Create a triage agent"
NARROW = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_screen_of_390_pixels_has_everything_within_reach(visit: Visit, shot: Shot) -> None:
    visitor = visit(**NARROW)
    assert visitor.width_beyond_screen() == 0
    visitor.create_project("In a pocket")
    visitor.send(PROMPT)
    message = visitor.completed(PROMPT, version=2)
    hint = visitor.page.get_by_text("Enter sends")
    assert hint.evaluate("(hint) => hint.scrollWidth <= hint.clientWidth"), "the hint is cut"
    foot = [message.get_by_role("button", name=name).bounding_box() for name in ("Version 2", "Full response")]
    assert len({round(box["y"] + box["height"] / 2) for box in foot if box}) == 1, (
        "what is below a message takes two lines"
    )
    panels = visitor.page.get_by_role("navigation", name="Panels")
    for number, panel in enumerate(("Conversation", "Code", "Workflow")):
        panels.get_by_role("button", name=panel).click()
        assert visitor.width_beyond_screen() == 0, panel
        shot(visitor, f"{12 + number}-narrow-{panel.lower()}")
        assert visitor.grave_findings() == [], panel
    visitor.node("triage_agent").click()
    expect(visitor.page.get_by_role("heading", name="triage_agent")).to_be_visible()


def test_dark_follows_the_system_and_can_be_chosen(visit: Visit, shot: Shot) -> None:
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
    """Of the page's background, from 0 to 255."""
    colour = visitor.page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/[0-9.]+/g)")
    return sum(float(part) for part in colour[:3]) / 3


def test_a_prompt_can_be_sent_and_an_agent_chosen_by_the_keyboard_alone(visit: Visit) -> None:
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
def test_axe_has_no_serious_finding_in_any_state(visit: Visit, scheme: str) -> None:
    visitor = visit(color_scheme=scheme)
    findings = {"first visit": visitor.grave_findings()}
    visitor.create_project("For everybody")
    findings["empty project"] = visitor.grave_findings()
    prompt = "Create a refund agent, but reject once"
    visitor.send(prompt)
    findings["running"] = visitor.grave_findings()
    visitor.completed(prompt, version=2)
    findings["landed"] = visitor.grave_findings()
    visitor.code.get_by_role("button", name="Code", exact=True).click()
    findings["code"] = visitor.grave_findings()
    visitor.code.get_by_role("button", name="Edit").click()
    findings["editing"] = visitor.grave_findings()
    visitor.page.get_by_role("button", name="Full response").click()
    expect(visitor.code).to_contain_text("responses · ")
    findings["full response"] = visitor.grave_findings()
    visitor.page.get_by_role("button", name="Project settings").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    findings["settings"] = visitor.grave_findings()
    assert {state: found for state, found in findings.items() if found} == {}

"""Several tabs, conversations and users."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage
from tests.console.visits import Visits
from tests.identity.issuer import TokenIssuer
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

Visit = Callable[..., ConsolePage]
Shot = Callable[[ConsolePage, str], None]
PROMPT = "Create a triage agent"


def test_two_tabs_show_the_same(visit: Visit) -> None:
    one = visit()
    one.create_project("Two tabs")
    other = visit(path_of(one))
    expect(other.connection).to_have_text("Live")
    one.send(PROMPT)
    for tab in (one, other):
        tab.completed(PROMPT, version=2)
        expect(tab.node("triage_agent")).to_be_visible()
    other.send("Make it Spanish")
    for tab in (one, other):
        tab.completed("Make it Spanish", version=3)
        expect(tab.code).to_contain_text("Always answer in Spanish.")
    assert one.log.text_content() == other.log.text_content()


def test_a_tab_that_is_opened_during_a_turn_receives_the_rest(visit_writing: Visit) -> None:
    one = visit_writing()
    one.create_project("Late")
    expect(one.send("Write something")).to_contain_text("Line 5:")
    late = visit_writing(path_of(one))
    expect(late.page.get_by_text("VibeCoder is writing")).to_be_visible()
    for tab in (one, late):
        tab.completed("Write something")
    assert one.log.text_content() == late.log.text_content()


def test_the_conversation_of_an_agent_is_isolated(visit: Visit, shot: Shot) -> None:
    visitor = visit()
    visitor.create_project("Isolation")
    visitor.send(PROMPT)
    visitor.completed(PROMPT, version=2)
    visitor.node("assistant").click()
    expect(visitor.page.get_by_role("heading", name="assistant")).to_be_visible()
    expect(visitor.log).not_to_contain_text(PROMPT)
    # In the project's conversation "it" is the triage agent; here it can only be this agent.
    visitor.send("Make it Spanish")
    expect(visitor.page.get_by_role("button", name="Agent assistant; a turn is running")).to_be_visible()
    message = visitor.completed("Make it Spanish", version=3)
    expect(message).to_contain_text("assistant now always answers in Spanish")
    shot(visitor, "07-one-agent")
    visitor.page.get_by_role("button", name="Entire project").click()
    expect(visitor.log).to_contain_text(PROMPT)
    expect(visitor.log).not_to_contain_text("Spanish")


def test_a_link_shows_nothing_until_the_project_is_shared(
    visits: Visits, model: ServerProcess, tmp_path: Path, shot: Shot
) -> None:
    with TokenIssuer() as issuer, vibewire_process(tmp_path, model.url, **issuer.settings) as server:
        ann = visits.open(server.url)
        ann.is_outage = True  # the browser logs refused requests, here those before the sign-in
        sign_in(ann, issuer.token("ann"))
        ann.create_project("Secret plans")
        ann.send(PROMPT)
        ann.completed(PROMPT, version=2)

        eve = visits.open(server.url, path_of(ann))
        eve.is_outage = True
        sign_in(eve, issuer.token("eve"))
        expect(eve.page.get_by_text("This project does not exist, or it is not shared with you")).to_be_visible()
        shot(eve, "08-strangers-link")
        for secret in ("Secret plans", "triage", "Agent("):
            expect(eve.page.locator("body")).not_to_contain_text(secret)

        ann.page.get_by_role("button", name="Project settings").click()
        ann.page.get_by_role("textbox", name="Members").fill("eve")
        ann.page.get_by_role("button", name="Save").click()
        expect(ann.page.get_by_role("dialog")).to_have_count(0)
        # Without a reload: her list is polled, and the project is then opened.
        expect(eve.page.get_by_role("button", name="Secret plans")).to_be_visible(timeout=25_000)
        eve.completed(PROMPT, version=2)
        # Close each page before its server stops, or its requests fail.
        ann.page.close()
        eve.page.close()


def test_text_of_users_and_models_is_never_html(visit: Visit) -> None:
    visitor = visit()
    name = "<img src=x onerror=document.title='owned'>"
    visitor.create_project(name)
    visitor.send("Create a <b>bold</b> agent <script>document.title='owned'</script>")
    expect(visitor.log).to_contain_text("<b>bold</b>")
    expect(visitor.page.get_by_role("button", name=name)).to_be_visible()
    # The title is the name of the project: no injected script has changed it.
    expect(visitor.page).to_have_title(f"{name} · Vibewire")
    assert visitor.page.locator("b, img[src=x]").count() == 0


def sign_in(visitor: ConsolePage, token: str) -> None:
    visitor.page.get_by_label("Token").fill(token)
    visitor.page.get_by_role("button", name="Use this token").click()
    expect(visitor.connection).to_have_text("Live")


def path_of(visitor: ConsolePage) -> str:
    """The path of a visitor's current route."""
    return str(visitor.page.url).removeprefix(visitor.url)

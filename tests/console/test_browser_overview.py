"""The picture of the README: a project on a server of its own, after a rejected patch and the one that landed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser_page import ConsolePage
from tests.console.visits import Visits
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

AGENTS = "Create three agents: triage, billing and refunds, with handoffs"
LANGUAGE = "Make the billing agent answer in Spanish, but reject once"


def test_two_visitors_see_a_rejected_patch_and_the_one_that_landed(
    visits: Visits, model: ServerProcess, tmp_path: Path, shot: Callable[[ConsolePage, str], None]
) -> None:
    with vibewire_process(tmp_path, model.url) as server:
        author = visits.open(server.url)
        author.create_project("Onboarding")
        author.create_project("Support team")
        expect(author.page).to_have_title(re.compile("Support team"))
        reader = visits.open(server.url, author.page.url.removeprefix(server.url))
        for version, prompt in ((2, AGENTS), (3, LANGUAGE)):
            author.send(prompt)
            author.completed(prompt, version=version)
        message = reader.completed(LANGUAGE, version=3)
        expect(message.get_by_text("✕ rejected")).to_be_visible()
        expect(message.get_by_text("✓ approved")).to_be_visible()
        expect(author.node("billing_agent")).to_be_visible()
        shot(author, "00-overview")

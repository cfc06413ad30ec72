"""The login by OpenID Connect: authorization code with PKCE, renewal, and sign-out."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from backend.local.console_files import CONFIG_NAME
from tests.console.login_provider import CLIENT_ID, LoginProvider
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

PROMPT = "Create a triage agent"
# Shorter than the time before expiry at which the page renews a token: most calls renew it.
SHORT_LIFE = 4


def test_a_user_signs_in_at_the_provider_and_stays_signed_in_while_tokens_expire(
    browser: Browser, model: ServerProcess, tmp_path: Path
) -> None:
    with TokenIssuer() as issuer, LoginProvider(issuer, "ann", SHORT_LIFE) as provider:
        config = {"oidc": {"authority": provider.url, "client_id": CLIENT_ID, "scope": "openid offline_access"}}
        (tmp_path / CONFIG_NAME).write_text(json.dumps(config))
        identity = {"jwks_url": issuer.jwks_url, "jwt_issuer": provider.url, "jwt_audience": AUDIENCE}
        with vibewire_process(tmp_path, model.url, **identity) as server:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{server.url}/#/project/nothing")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("link", name="Go on as ann").click()
            # Back at the route, without parameters of the login in the address.
            expect(page).to_have_url(f"{server.url}/#/project/nothing")
            expect(page.get_by_text("This project does not exist")).to_be_visible()

            page.get_by_role("textbox", name="Name of the new project").fill("Mine")
            page.get_by_role("button", name="Create").click()
            status = page.locator("header").get_by_role("status")
            for _ in range(2):  # the relay disconnects when the token has expired
                expect(status).to_have_text("Live")
                expect(status).not_to_have_text("Live", timeout=15_000)
            expect(status).to_have_text("Live")
            page.get_by_role("textbox", name="Message", exact=True).fill(PROMPT)
            page.get_by_role("button", name="Send", exact=True).click()
            expect(page.get_by_role("article").get_by_text("Version 2", exact=True)).to_be_visible()
            assert provider.grants.count("authorization_code") == 1
            assert provider.grants.count("refresh_token") >= 2

            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("heading", name="Sign in to Vibewire")).to_be_visible()
            expect(page.locator("body")).not_to_contain_text("Mine")
            context.close()


def test_a_member_leaves_a_project(browser: Browser, model: ServerProcess, tmp_path: Path) -> None:
    with TokenIssuer() as issuer:
        identity = {"jwks_url": issuer.jwks_url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
        with vibewire_process(tmp_path, model.url, **identity) as server:
            owner = {"Authorization": f"Bearer {issuer.token('zoë')}"}
            context = browser.new_context()
            page = context.new_page()
            created = page.request.post(f"{server.url}/projects", data={"name": "Shared"}, headers=owner).json()
            path = f"{server.url}/projects/{created['project_id']}"
            page.request.patch(path, data={"members": ["ann", "bob"]}, headers=owner)
            page.goto(f"{server.url}/#/project/{created['project_id']}")
            page.get_by_role("textbox", name="Token").fill(issuer.token("ann"))
            page.get_by_role("button", name="Use this token").click()
            page.get_by_role("button", name="Project settings").click()
            page.get_by_role("button", name="Leave the project…").click()
            page.get_by_role("button", name="Leave it").click()
            expect(page.get_by_text("None yet.")).to_be_visible()
            expect(page.get_by_role("dialog")).to_have_count(0)
            assert page.request.get(path, headers=owner).json()["members"] == ["bob"]
            context.close()

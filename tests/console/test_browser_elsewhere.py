"""The console as static files; the API, the relay and the login are on other origins, named in config.json."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend.local.console_files import BUILT_CONSOLE
from tests.console.login_provider import CLIENT_ID, LoginProvider
from tests.console.static_site import StaticSite
from tests.console.visits import Visits
from tests.identity.issuer import AUDIENCE, TokenIssuer
from tests.server_process import ServerProcess, vibewire_process

pytestmark = pytest.mark.browser

FOLDER = "/console/"
PROMPT = "Write something"
LIFE_SECONDS = 600


@dataclass(frozen=True)
class Deployment:
    """Four origins."""

    site_url: str
    api_url: str
    relay_url: str
    login: LoginProvider

    @property
    def others(self) -> list[str]:
        return [self.api_url, self.relay_url, self.login.url]

    @property
    def config(self) -> object:
        oidc = {"authority": self.login.url, "client_id": CLIENT_ID, "scope": "openid offline_access"}
        return {"api_url": self.api_url, "relay_url": self.relay_url, "oidc": oidc}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that backend/console/README.md recommends."""
        sources = [*self.others, *(url.replace("http", "ws", 1) for url in self.others)]
        return {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": f"frame-ancestors 'none'; connect-src 'self' {' '.join(sources)}",
            "X-Content-Type-Options": "nosniff",
        }


@contextmanager
def deployed(folder: Path, model_url: str, with_headers: bool) -> Iterator[Deployment]:
    shutil.copytree(BUILT_CONSOLE, folder / "site" / FOLDER.strip("/"))
    with (
        TokenIssuer() as issuer,
        LoginProvider(issuer, "ann", LIFE_SECONDS) as login,
        StaticSite(folder / "site") as site,
    ):
        identity = {"jwks_url": issuer.jwks_url, "jwt_issuer": login.url, "jwt_audience": AUDIENCE}
        with vibewire_process(folder / "data", model_url, origins=site.url, **identity) as server:
            # The same server under another name is another origin for the browser.
            relay_url = server.url.replace("127.0.0.1", "localhost")
            deployment = Deployment(site.url, server.url, relay_url, login)
            if with_headers:
                site.headers.update(deployment.headers)
            (folder / "site" / FOLDER.strip("/") / "config.json").write_text(json.dumps(deployment.config))
            yield deployment


@pytest.mark.parametrize("with_headers", [False, True], ids=["no headers", "the headers of the README"])
def test_static_files_with_one_config_reach_the_login_the_api_and_the_relay(
    visits: Visits, writer: ServerProcess, tmp_path: Path, with_headers: bool
) -> None:
    with deployed(tmp_path, writer.url, with_headers) as deployment:
        visitor = visits.open(deployment.site_url, FOLDER, allowed_urls=deployment.others)
        sockets: list[str] = []
        authorized: set[str] = set()
        visitor.page.on("websocket", lambda socket: sockets.append(socket.url))
        visitor.page.on(
            "request",
            lambda request: authorized.add(request.url) if "authorization" in request.headers else None,
        )
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.get_by_role("link", name="Go on as ann").click()
        # It waits for "Live", so the relay has accepted the token; that it refuses others is tested in tests/identity.
        visitor.create_project("Elsewhere")
        message = visitor.send(PROMPT)
        expect(message).to_contain_text("Line 5:")
        expect(message).not_to_contain_text("Line 29:")
        visitor.completed(PROMPT)
        assert visitor.page.url.startswith(f"{deployment.site_url}{FOLDER}#/project/")
        visitor.page.get_by_role("button", name="Project settings").click()
        expect(visitor.page.get_by_text("Owner: ann.")).to_be_visible()
        visitor.page.close()
    relay_url = deployment.relay_url.replace("http", "ws", 1)
    assert {url.partition("/socket.io")[0] for url in sockets} == {relay_url}
    assert f"{deployment.api_url}/projects" in authorized
    assert all(url.startswith(deployment.api_url) for url in authorized), "the token was sent to another server"
    assert deployment.login.grants == ["authorization_code"]

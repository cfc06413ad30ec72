"""How the local server serves the console: files, headers, API routes, and a page without a build."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from backend.local.console_files import CONFIG_NAME, ConsoleFiles

SCRIPT = "/assets/main-abc123.js"
SECRET = "not for the browser"


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind the files: returns the path it was called with."""
    await JSONResponse({"api": scope["path"]})(scope, receive, send)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>The console</title>")
    (built / "config.json").write_text('{"api_url": "", "relay_url": "", "oidc": null}')
    (built / SCRIPT.lstrip("/")).write_text("start()")
    # Shadows a route if files come first.
    (built / "projects").write_text("a file")
    (tmp_path / "secret.txt").write_text(SECRET)
    return built


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "vibewire.sqlite").write_text(SECRET)
    return data_dir


@pytest.fixture
async def browser(built: Path, data_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = ConsoleFiles(api, frozenset({"projects", "health"}), data_dir, built)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8765") as browser:
        yield browser


def directives(answer: httpx.Response) -> dict[str, list[str]]:
    rules = [rule.split() for rule in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in rules}


@pytest.mark.parametrize("path", ["/", "/index.html"])
async def test_the_page_is_revalidated_and_has_a_strict_content_security_policy(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert "The console" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    rules = directives(answer)
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert rules["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_file_with_a_content_hash_is_cached_forever(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(SCRIPT)
    assert answer.text == "start()"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_an_unchanged_page_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/")
    again = await browser.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/projects", "/projects/1", "/health", "/nothing", "/assets/none.js", "/assets"])
async def test_api_routes_come_first_and_unknown_paths_reach_the_api(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).json() == {"api": path}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_only_get_and_head_serve_files(browser: httpx.AsyncClient, method: str) -> None:
    assert (await browser.request(method, "/index.html")).json() == {"api": "/index.html"}


@pytest.mark.parametrize(
    "path",
    [
        *("/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/..%5csecret.txt"),
        *("/%2fetc/passwd", "//etc/passwd", "/vibewire.sqlite", f"/{CONFIG_NAME}", "/%00", "/a%00b"),
    ],
)
async def test_no_path_escapes_the_consoles_folder(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert SECRET not in answer.text
    assert "api" in answer.json()


async def test_a_config_in_the_data_folder_replaces_the_built_one(browser: httpx.AsyncClient, data_dir: Path) -> None:
    assert (await browser.get("/config.json")).json()["oidc"] is None
    config = {
        "api_url": "https://api.example/v1",
        "relay_url": "https://relay.example",
        "oidc": {"authority": "https://login.example/realms/us", "client_id": "console"},
    }
    (data_dir / CONFIG_NAME).write_text(json.dumps(config))
    answer = await browser.get("/config.json")
    assert answer.json() == config
    assert answer.headers["cache-control"] == "no-cache"
    assert directives(await browser.get("/"))["connect-src"] == [
        "'self'",
        *("https://api.example", "https://login.example", "https://relay.example"),
        *("wss://api.example", "wss://login.example", "wss://relay.example"),
    ]


@pytest.mark.parametrize(
    "config",
    [
        "no json",
        "[]",
        '{"api_url": 1, "oidc": []}',
        '{"api_url": "javascript:alert(1)"}',
        '{"relay_url": "https://a.example; script-src *"}',
        '{"api_url": "https://a.example\\r\\nSet-Cookie: a=b"}',
    ],
)
async def test_an_invalid_config_does_not_widen_the_policy(
    browser: httpx.AsyncClient, data_dir: Path, config: str
) -> None:
    (data_dir / CONFIG_NAME).write_text(config)
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "*" not in answer.headers["content-security-policy"]
    assert directives(answer)["script-src"] == ["'self'"]
    assert "set-cookie" not in answer.headers


async def test_without_a_build_the_page_says_what_to_install(browser: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "Node.js" in answer.text
    assert "make console" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_later_build_is_served_without_a_restart(browser: httpx.AsyncClient, built: Path) -> None:
    page = (built / "index.html").read_text()
    (built / "index.html").unlink()
    await browser.get("/")
    (built / "index.html").write_text(page)
    assert "The console" in (await browser.get("/")).text

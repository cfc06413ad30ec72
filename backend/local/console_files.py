"""Serves the console's files, as `make console` built them, with their headers for the browser."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUILT_CONSOLE = Path(__file__).parents[1] / "console" / "dist"
# What is put here takes the place of the built config.json: other URLs, an OIDC login.
CONFIG_NAME = "console.json"

_PAGE = "/index.html"
_CONFIG = "/config.json"
_NAMED_BY_CONTENT = "/assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Vibewire</title>
<h1>Vibewire is running; its console is not built yet</h1>
<p>Install <a href="https://nodejs.org">Node.js</a> (20.19 or newer, or 22.12 or newer) with npm, then run
<code>make console</code> and reload this page. <code>make run</code> does it too, at its start.</p>
<p>Until then, in a terminal: <code>make chat</code> talks to a project, <code>make watch</code> shows all that happens;
and the API is described at <a href="/openapi.json">/openapi.json</a>.</p>
</html>
"""


class ConsoleFiles:
    """ASGI middleware: answers GET and HEAD for the console's files, and passes all else on.

    A file of the console never takes the place of a route: `reserved` are the first parts of the API's paths.
    """

    def __init__(self, app: ASGIApp, reserved: frozenset[str], data_dir: Path, built: Path = BUILT_CONSOLE) -> None:
        self._app = app
        self._reserved = reserved
        self._config = data_dir / CONFIG_NAME
        self._built = built
        self._files = StaticFiles(directory=built, check_dir=False)
        self._own = StaticFiles(directory=data_dir, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, or pass the request on."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or self._is_reserved(scope["path"]):
            await self._app(scope, receive, send)
            return
        path = _PAGE if scope["path"] == "/" else scope["path"]
        if path == _PAGE and not (self._built / "index.html").is_file():
            await HTMLResponse(_NOT_BUILT)(scope, receive, self._with_headers(path, send))
            return
        own = path == _CONFIG and self._config.is_file()
        files, name = (self._own, CONFIG_NAME) if own else (self._files, path.lstrip("/"))
        try:
            answer = await files.get_response(name, scope)
        except HTTPException:  # no such file
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, self._with_headers(path, send))

    def _is_reserved(self, path: str) -> bool:
        return path.split("/", 2)[1] in self._reserved

    def _with_headers(self, path: str, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = _FOR_EVER if path.startswith(_NAMED_BY_CONTENT) else _ASK_EACH_TIME
                headers["Content-Security-Policy"] = content_security_policy(self._config)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        return send_with_headers


def content_security_policy(config: Path) -> str:
    """What the page may do: run and load its own files, call its own origin and those that the config names."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "worker-src 'none'",
            "manifest-src 'self'",
            " ".join(["connect-src 'self'", *_configured_origins(config)]),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # Text that comes from a model or a person is never HTML: the browser refuses to make it so.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _configured_origins(config: Path) -> list[str]:
    try:
        configured = json.loads(config.read_text())
    except (OSError, ValueError):
        return []  # no such file; or the page itself says that it is not JSON
    if not isinstance(configured, dict):
        return []
    oidc = configured.get("oidc")
    authority = oidc.get("authority") if isinstance(oidc, dict) else None
    urls = [configured.get("api_url"), configured.get("relay_url"), authority]
    origins = [origin for url in urls if isinstance(url, str) and (origin := _origin(url))]
    sockets = [origin.replace("http", "ws", 1) for origin in origins]
    return sorted({*origins, *sockets})


def _origin(url: str) -> str | None:
    parts = urlsplit(url)
    is_plain = parts.scheme in {"http", "https"} and not set(parts.netloc) & set(" ;,'\"\t\r\n")
    return f"{parts.scheme}://{parts.netloc}" if is_plain and parts.netloc else None

"""Refuses request bodies by their headers: 415 Unsupported Media Type (RFC 9110)."""

from email.message import Message as Headers

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.app.api.errors import problem

# RFC 8259: JSON between systems is UTF-8, of which ASCII is a subset.
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_ADVICE = "Send the body as JSON in UTF-8, with the header `Content-Type: application/json`."


class MediaTypeGuard:
    """ASGI middleware: responds with 415 to a body that is compressed, not JSON, or in another character set."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before its body is read."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""
        refused = _refusal(headers) if has_body else None
        if refused is None:
            await self._app(scope, receive, send)
            return
        detail, more = refused
        response = problem("unsupported_media_type", detail, headers=more)
        await response(scope, receive, send)


def _refusal(headers: dict[bytes, bytes]) -> tuple[str, dict[str, str]] | None:
    """The reason to refuse a body with these headers, and headers for the response; None: accept it."""
    codings = headers.get(b"content-encoding", b"").decode("latin-1").lower().split(",")
    if any(coding.strip() not in ("", "identity") for coding in codings):
        return "Compressed bodies are not supported: send it without `Content-Encoding`.", {
            "Accept-Encoding": "identity"
        }
    parsed = Headers()
    parsed["content-type"] = headers.get(b"content-type", b"").decode("latin-1") or "none/none"
    subtype = parsed.get_content_subtype()
    if parsed.get_content_maintype() != "application" or not (subtype == "json" or subtype.endswith("+json")):
        return f"The Content-Type is not JSON. {_ADVICE}", {}
    charset = parsed.get_content_charset("utf-8")
    return None if charset in _CHARSETS else (f"The character set of the body is not UTF-8. {_ADVICE}", {})

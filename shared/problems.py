"""Problem details (RFC 9457) with a stable code, for the API and the relay."""

from http import HTTPStatus
from typing import Any

PROBLEM_JSON = "application/problem+json"
# For every response except files. Responses contain prompts and code: they must not be cached, nor their type guessed.
SAFE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def problem_details(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The body of an error: its HTTP status, its code, a detail for people to read, and further members."""
    return {
        "type": f"urn:vibewire:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **more,
    }

"""Refusals as the API and the relay both give them: problem details (RFC 9457) with a stable code."""

from http import HTTPStatus
from typing import Any

PROBLEM_JSON = "application/problem+json"
# Of every answer that is no file. Answers hold people's prompts and code: no cache keeps them, and no browser takes
# them for anything but what they say they are.
SAFE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def problem_details(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The body of a refusal: its HTTP status, its code, what is wrong in words for people, and further members."""
    return {
        "type": f"urn:vibewire:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **more,
    }

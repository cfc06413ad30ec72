"""Bounds the size of lists: 32 KB per field, 4 MB per page."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from backend.app.api.schemas.messages import MessageBody
from backend.app.domain.messages.message import Message

MAX_FIELD_BYTES = 32_000
MAX_PAGE_BYTES = 4_000_000
# Fewer characters always fit, whatever they are as JSON.
_SURELY_FITTING_CHARACTERS = 100_000

Body = TypeVar("Body", bound=BaseModel)


def json_bytes(body: BaseModel) -> int:
    """The size of a body as JSON, in bytes of UTF-8."""
    return len(body.model_dump_json().encode())


def without_long_fields(body: Body, fields: Sequence[str], href: str) -> Body:
    """The body, or a copy in which fields over 32 KB are null and `href` is set."""
    long = [name for name in fields if _is_long(getattr(body, name) or "")]
    return body.model_copy(update={**dict.fromkeys(long), "href": href}) if long else body


def _is_long(text: str) -> bool:
    # A character has at least one byte: very long text need not be encoded.
    return len(text) > MAX_FIELD_BYTES or len(text.encode()) > MAX_FIELD_BYTES


def message_body(message: Message) -> MessageBody:
    """A message as a response body; if `content` makes it too large, it is null and `href` is set."""
    body = MessageBody.model_validate(message)
    if len(message.content or "") <= _SURELY_FITTING_CHARACTERS or json_bytes(body) <= MAX_PAGE_BYTES:
        return body
    return body.model_copy(update={"content": None, "href": f"/messages/{message.message_id}/full"})


def fitting_page(bodies: Sequence[Body]) -> list[Body]:
    """As many of the bodies as fit in one response; at least one."""
    size = 0
    page: list[Body] = []
    for body in bodies:
        size += json_bytes(body)
        if page and size > MAX_PAGE_BYTES:
            break
        page.append(body)
    return page

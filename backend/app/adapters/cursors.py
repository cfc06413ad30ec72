"""Opaque cursors of lists."""

import base64
from uuid import UUID

from backend.app.domain.errors import InvalidCursorError

_BAD_CURSOR = "The cursor is not one of this list: use the `next_cursor` of the page before."
_CURSOR_DIGITS = 18


def cursor_of(position: int | str) -> str:
    """A position in a list as an opaque cursor."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def id_of(cursor: str) -> str:
    """The id that a cursor encodes. Raises InvalidCursorError."""
    try:
        return str(UUID(text_in(cursor)))
    except ValueError as error:
        raise InvalidCursorError(_BAD_CURSOR) from error


def number_of(cursor: str) -> int:
    """The number that a cursor encodes. Raises InvalidCursorError."""
    text = text_in(cursor)
    if not (text.isascii() and text.isdigit()) or len(text) > _CURSOR_DIGITS:
        raise InvalidCursorError(_BAD_CURSOR)
    return int(text)


def text_in(cursor: str) -> str:
    """The text that a cursor encodes. Raises InvalidCursorError."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise InvalidCursorError(_BAD_CURSOR) from error

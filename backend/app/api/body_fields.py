"""The types of fields in the bodies of requests, with what each may hold."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from backend.app.domain.blank_text import is_blank
from shared.identity import is_user_id


def _check_text(text: str) -> str:
    # JSON can spell half a character (a lone surrogate), which no encoding can store.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds half a character (a lone surrogate)") from None
    return text


def _check_user_id(text: str) -> str:
    if not is_user_id(text):
        raise ValueError("no user can have this name: it must be printable, and not blank")
    return text


def _check_visible(text: str) -> str:
    if is_blank(text):
        raise ValueError("the text has no visible character")
    return text


Text = Annotated[str, AfterValidator(_check_text)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_check_text),
    AfterValidator(_check_visible),
]
UserName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_check_text), AfterValidator(_check_user_id)
]
VersionNumber = Annotated[int, Field(strict=True, ge=1, le=2**53)]

"""The types of fields in request bodies, with their rules."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from backend.app.domain.blank_text import is_blank
from shared.identity import is_user_id

# Control characters, line ends and characters that change the direction of text: names are shown within other text.
# Combining marks and joiners are allowed: scripts and emoji need them.
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _check_text(text: str) -> str:
    # JSON can contain a lone surrogate, which no encoding can store.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text contains half a character (a lone surrogate)") from None
    return text


def _check_user_id(text: str) -> str:
    if not is_user_id(text):
        raise ValueError("a user name must be printable and not blank")
    return text


def _check_name(text: str) -> str:
    if found := _NOT_IN_A_NAME.search(text):
        raise ValueError(
            f"a name must not contain control characters or change the direction of text: U+{ord(found[0]):04X} "
            f"(character {found.start() + 1}); remove it"
        )
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
    AfterValidator(_check_name),
    Field(
        description="1 to 200 characters, one of them visible; no control characters, and none that change "
        "the direction of text."
    ),
]
UserName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_check_text), AfterValidator(_check_user_id)
]
VersionNumber = Annotated[int, Field(strict=True, ge=1, le=2**53)]

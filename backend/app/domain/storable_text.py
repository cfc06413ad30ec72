"""Makes text and JSON from outside safe to store and send.

JSON's escapes can contain what UTF-8 cannot encode: half of a surrogate pair. Many programs stop reading a text at a
NUL. Both would fail late, when the text is encoded or read, and every time; so they are replaced on input.
"""

import json
import re
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# No real response is nested deeper, and recursive code must not reach the interpreter's recursion limit.
_MAX_DEPTH = 100
# The longest integer that is read; Python refuses to parse thousands of digits.
_MAX_DIGITS = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text with surrogate pairs joined, and lone halves and NULs replaced by U+FFFD."""
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", REPLACEMENT)


def storable_json(value: Any, depth: int = 0) -> Any:
    """A JSON value with all its texts made storable. Raises ValueError where it is nested too deeply."""
    if isinstance(value, str):
        return storable_text(value)
    if not isinstance(value, dict | list):
        return value
    if depth == _MAX_DEPTH:
        raise ValueError(f"JSON is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, list):
        return [storable_json(item, depth + 1) for item in value]
    return {storable_text(str(key)): storable_json(item, depth + 1) for key, item in value.items()}


def read_json(text: str) -> Any:
    """Parse a JSON value. Numbers that JSON does not allow (NaN, infinity) or that are too long become null.

    Raises ValueError where it is not JSON or nested too deeply; a `json.JSONDecodeError` says where.
    """
    try:
        return json.loads(text, parse_int=_integer, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None

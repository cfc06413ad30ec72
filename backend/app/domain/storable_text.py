"""Text and JSON from outside, made fit to be stored, sent and shown.

JSON's escapes can write what UTF-8 cannot carry: half of a surrogate pair. A NUL is cut off by half of what reads
text. Either would fail late, where it is encoded, and again at each reading; so both are replaced where they come in.
"""

import json
import re
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Deeper JSON is nobody's answer; what walks it recursively must not come to the interpreter's limit.
_MAX_DEPTH = 100
# The longest whole number that is read as one; Python refuses thousands of digits, and nothing here counts so far.
_MAX_DIGITS = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text with surrogate pairs joined, and lone halves and NULs replaced by U+FFFD."""
    if not _UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", REPLACEMENT)


def storable_json(value: Any, depth: int = 0) -> Any:
    """A JSON value with all its texts storable. Raises ValueError where it is nested too deeply."""
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
    """A JSON value, all its texts as they are; what is no JSON number (NaN, infinite, endless) is null.

    Raises ValueError: it is no JSON, or nested too deeply. A `json.JSONDecodeError` says where.
    """
    try:
        return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None

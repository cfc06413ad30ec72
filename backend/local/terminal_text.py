"""Text as it may be sent to a terminal: what would steer it, or would not be seen, is written out."""

import logging
import re
import unicodedata

from backend.app.domain.blank_text import is_blank

_TO_LOOK_AT = re.compile(r"[^\x20-\x7e\n\t]")


def _is_hidden(character: str) -> bool:
    if unicodedata.category(character) == "Zs":  # spaces do show
        return False
    # Not printable: control, format, surrogate, private-use and unassigned characters, and separators. Printable, and
    # still not seen: letters and marks without a width (fillers, joiners, variation selectors).
    return not character.isprintable() or is_blank(character)


def visible(text: str) -> str:
    """The text with each character that a terminal obeys, or does not show, as its escape; lines and tabs are kept."""
    return _TO_LOOK_AT.sub(_escape, text)


def visible_line(text: str) -> str:
    """Likewise, on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def visible_json(text: str) -> str:
    """JSON that says the same, with those characters as JSON's escapes."""
    return _TO_LOOK_AT.sub(_escape_json, text)


class VisibleFormatter(logging.Formatter):
    """Log lines for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        return visible(super().format(record))


def _escape(found: re.Match[str]) -> str:
    if not _is_hidden(found[0]):
        return found[0]
    code = ord(found[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _escape_json(found: re.Match[str]) -> str:
    if not _is_hidden(found[0]):
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

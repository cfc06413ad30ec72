"""Detects text without a visible character."""

import re

# White space and controls; what Unicode has as Default_Ignorable_Code_Point (DerivedCoreProperties.txt, Unicode 15.1:
# zero-width and bidirectional characters, variation selectors, fillers, tags); and the empty pattern of Braille.
_INVISIBLE = (
    r"\s\x00-\x1f\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{_INVISIBLE}]")


def is_blank(text: str) -> bool:
    """Whether a text has no visible character. Stops at the first one."""
    return _VISIBLE.search(text) is None

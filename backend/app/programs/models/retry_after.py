"""Reads the Retry-After header."""

import re
from email.utils import parsedate_to_datetime

import httpx2


def retry_after(headers: httpx2.Headers) -> float | None:
    """The seconds of a Retry-After, which is a number or a date relative to the response's own date; or None."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,99}(?:\.[0-9]{1,99})?", value):
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):  # not a date, or only one of the two has a time zone
        return None
    return max(0.0, wait.total_seconds())

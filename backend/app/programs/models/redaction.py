"""Redacts secrets in messages of another server, before they are shown or stored."""

import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"
# A shorter text is not a key but a placeholder ("none", "test"), which may be part of a normal word.
_MIN_SECRET_CHARACTERS = 8
# So many consecutive characters of a secret are redacted.
_GRAM = 8
# A masked text with so many characters of a secret's start or end is redacted.
_SHOWN_ENDS = 3
# The most characters of a message that are read. No more are ever shown, and they are searched in milliseconds.
_MAX_CHARACTERS = 20_000
# Each pattern begins at the start of a word, or is bounded: else a long word would be scanned from each letter.
_WORD_START = r"(?<![A-Za-z0-9_\-])"
_PATTERNS = (
    # A quoted header, up to the end of its line or quotes.
    re.compile(r"(?i)\b((?:proxy-)?authorization|x-api-key|api-key)\b[\"']?\s*[:=]\s*[\"']?[^\"'\r\n,;}]+"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=*\-]{3,}"),
    # Keys by their known prefixes, masked ones too.
    re.compile(r"\b(?:sk|pk|rk|gsk|xai|pplx|nvapi|hf)[-_][A-Za-z0-9_\-*.\u2026]{3,}"),
    re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}|\bAKIA[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_\-]{8,2000}+\.[A-Za-z0-9_\-.]+"),
    # Texts masked by asterisks.
    re.compile(_WORD_START + r"[A-Za-z0-9_\-]*+\*{3,}[A-Za-z0-9_\-*]*"),
    re.compile(r"(?i)\b((?:api[_-]?key|access[_-]?token|token|secret|password)=)[^\s&\"']+"),
)
_URL_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]{0,30}+://)[^\s/@\"']+@")
_MASKED = re.compile(_WORD_START + r"[A-Za-z0-9_\-]+(?:\.{2,}|\u2026|[xX]{4,}|\u2022+|#{3,})[A-Za-z0-9_\-]+")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets.

    Args:
        text: a message of another server; only its first 20,000 characters are read and returned.
        secrets: what it may contain completely, in part, or with the middle masked.

    Returns:
        The text with `[redacted]` in the place of each secret, of what looks like a key or a header that carries one,
        and of the credentials in a URL.
    """
    text = text[:_MAX_CHARACTERS]
    for secret in secrets:
        for form in {secret, quote(secret, safe="")}:
            if len(form) >= _MIN_SECRET_CHARACTERS:
                text = _without_parts(_without_masked(text, form), form)
    for pattern in _PATTERNS:
        text = pattern.sub(REDACTED, text)
    return _URL_CREDENTIALS.sub(rf"\1{REDACTED}@", text)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets themselves, for content where other text may look like a secret."""
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_CHARACTERS:
            text = text.replace(secret, REDACTED)
    return text


def _without_masked(text: str, secret: str) -> str:
    start, end = secret[:_SHOWN_ENDS].lower(), secret[-_SHOWN_ENDS:].lower()

    def masked(found: re.Match[str]) -> str:
        shown = found.group().lower()
        return REDACTED if shown.startswith(start) or shown.endswith(end) else found.group()

    return _MASKED.sub(masked, text)


def _without_parts(text: str, secret: str) -> str:
    """The text without any `_GRAM` consecutive characters of the secret, in upper or lower case."""
    known = {secret[at : at + _GRAM].lower() for at in range(len(secret) - _GRAM + 1)}
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter whose lower case is longer: then match exactly
        return text.replace(secret, REDACTED)
    kept: list[str] = []
    at = copied = 0
    while at <= len(text) - _GRAM:
        if lowered[at : at + _GRAM] not in known:
            at += 1
            continue
        end = at + _GRAM
        while end < len(text) and lowered[end - _GRAM + 1 : end + 1] in known:
            end += 1
        kept += [text[copied:at], REDACTED]
        at = copied = end
    return "".join([*kept, text[copied:]])

"""Takes secrets out of what another server said, before anybody sees it or it is kept."""

import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"
# A shorter text is no key but a placeholder ("none", "test"), and stands in many an innocent word.
_SHORTEST_SECRET = 8
# So many characters of a secret on end give it away.
_GRAM = 8
# So many characters at either end of a masked text make it the secret's.
_SHOWN_ENDS = 3
# What is read of what a server said: nobody is shown more, and a page of it is searched in milliseconds.
_MOST_CHARACTERS = 20_000
# Each pattern begins at the start of a word, or is bounded: else a long word is read again from each of its letters.
_WORD_START = r"(?<![A-Za-z0-9_\-])"
_PATTERNS = (
    # A header that is repeated, up to the end of its line or of its quotes.
    re.compile(r"(?i)\b((?:proxy-)?authorization|x-api-key|api-key)\b[\"']?\s*[:=]\s*[\"']?[^\"'\r\n,;}]+"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=*\-]{3,}"),
    # Keys by the look of them; masked ones too.
    re.compile(r"\b(?:sk|pk|rk|gsk|xai|pplx|nvapi|hf)[-_][A-Za-z0-9_\-*.\u2026]{3,}"),
    re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}|\bAKIA[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_\-]{8,2000}+\.[A-Za-z0-9_\-.]+"),
    # Who masks something shows its ends.
    re.compile(_WORD_START + r"[A-Za-z0-9_\-]*+\*{3,}[A-Za-z0-9_\-*]*"),
    re.compile(r"(?i)\b((?:api[_-]?key|access[_-]?token|token|secret|password)=)[^\s&\"']+"),
)
_URL_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]{0,30}+://)[^\s/@\"']+@")
_MASKED = re.compile(_WORD_START + r"[A-Za-z0-9_\-]+(?:\.{2,}|\u2026|[xX]{4,}|\u2022+|#{3,})[A-Za-z0-9_\-]+")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets.

    Args:
        text: what another server said; only its first 20,000 characters are read, and given back.
        secrets: what it may have repeated, whole, in part, or with its middle masked.

    Returns:
        The text with `[redacted]` in the place of each secret, of what looks like a key or a header that carries one,
        and of the credentials in a URL.
    """
    text = text[:_MOST_CHARACTERS]
    for secret in secrets:
        for form in {secret, quote(secret, safe="")}:
            if len(form) >= _SHORTEST_SECRET:
                text = _without_parts(_without_masked(text, form), form)
    for pattern in _PATTERNS:
        text = pattern.sub(REDACTED, text)
    return _URL_CREDENTIALS.sub(rf"\1{REDACTED}@", text)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets themselves, for what may hold all kinds of text that only looks like one."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    return text


def _without_masked(text: str, secret: str) -> str:
    start, end = secret[:_SHOWN_ENDS].lower(), secret[-_SHOWN_ENDS:].lower()

    def masked(found: re.Match[str]) -> str:
        shown = found.group().lower()
        return REDACTED if shown.startswith(start) or shown.endswith(end) else found.group()

    return _MASKED.sub(masked, text)


def _without_parts(text: str, secret: str) -> str:
    """The text without any `_GRAM` characters on end of the secret, in capitals or not."""
    known = {secret[at : at + _GRAM].lower() for at in range(len(secret) - _GRAM + 1)}
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter whose small form is longer: then exactly as written
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

"""The `Prefer` header (RFC 7240): whether and how long a client wants to wait.

Unknown and malformed preferences are ignored (RFC 7240, section 2).
"""

# API Gateway times out after 30 s.
MAX_WAIT_SECONDS = 25.0


def wait_seconds(prefer: str | None, default: float) -> float:
    """How long to wait for the message's end, in seconds.

    Args:
        prefer: the header's value: `respond-async` (do not wait), `wait=N`, both, or others, which are ignored.
        default: without a preference.
    """
    wait = default
    preferences = [part.partition(";")[0].strip().lower() for part in (prefer or "").split(",")]
    if "respond-async" in preferences:
        wait = 0.0
    for preference in preferences:
        name, _, value = preference.partition("=")
        seconds = value.strip(' "')
        if name.strip() == "wait" and seconds.isascii() and seconds.isdigit():
            wait = float(seconds)
            break
    return min(wait, MAX_WAIT_SECONDS)

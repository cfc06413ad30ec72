"""The `Prefer` header (RFC 7240): whether and how long a client wants to wait.

What is unknown or malformed in it is ignored, as section 2 of the RFC has it: such a request is not refused.
"""

# An API Gateway gives up after 30 s; what is still running then is answered before.
MAX_WAIT_SECONDS = 25.0


def wait_seconds(prefer: str | None, default: float) -> float:
    """How long to wait for the end, in seconds.

    Args:
        prefer: the header's value: `respond-async` (do not wait), `wait=N`, both, or others, which are ignored.
        default: where the client says nothing.
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

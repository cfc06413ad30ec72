"""The relay's limits as the documents name them."""

from backend.relay.settings import AUTHENTICATION_SECONDS, MAX_AFTER_SESSIONS, RelaySettings


def relay_limits() -> dict[str, object]:
    """The defaults of the relay's settings, and its constants."""
    return {
        **RelaySettings().model_dump(),
        "max_after_sessions": MAX_AFTER_SESSIONS,
        "authentication_seconds": AUTHENTICATION_SECONDS,
    }

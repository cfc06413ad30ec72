"""Authentication, shared by the API and the relay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LOCAL_USER = "local"
# As part of a DynamoDB key it must stay below 2,048 bytes, in any script.
MAX_USER_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated user; `expires_at` None: it does not expire."""

    user_id: str
    expires_at: datetime | None = None


class InvalidTokenError(Exception):
    """The token is missing or invalid. Retrying with the same token does not help."""


class KeysUnavailableError(Exception):
    """The token cannot be checked now: the issuer's keys cannot be fetched. Retrying helps.

    Attributes:
        retry_after_seconds: the time until the next fetch.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("The token issuer's keys cannot be fetched now; try again.")
        self.retry_after_seconds = max(1, retry_after_seconds)


def is_user_id(text: str) -> bool:
    """Whether a text is a valid user id: 1 to 200 printable characters, not all of them spaces.

    It applies to `sub` of tokens and to `members` alike, so that every user can be a member.
    """
    return len(text) <= MAX_USER_ID_CHARACTERS and text.isprintable() and text.strip() != ""


class Authenticator(Protocol):
    """Authenticates callers by their tokens."""

    async def authenticate(self, token: str | None) -> Identity:
        """The identity of a bearer token. Raises InvalidTokenError and KeysUnavailableError."""
        ...


class LocalAuthenticator:
    """Authenticates every caller as the user `local`. Only for a process that accepts local connections only."""

    async def authenticate(self, token: str | None) -> Identity:  # noqa: ARG002 - the port's signature
        """Identity `local`, whatever the token."""
        return Identity(user_id=LOCAL_USER)

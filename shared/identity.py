"""Who is calling: the same check for the API and for the relay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LOCAL_USER = "local"
# Far below the 2,048 bytes of a DynamoDB key, of which it is a part, whatever the characters.
MAX_USER_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who they are; `expires_at` None: for as long as the process lives."""

    user_id: str
    expires_at: datetime | None = None


class InvalidTokenError(Exception):
    """The token is missing, or proves nothing. Retrying with the same one does not help."""


class KeysUnavailableError(Exception):
    """Whether a token proves anything cannot be judged now: the issuer's keys cannot be fetched. Retrying helps.

    Attributes:
        retry_after_seconds: the keys are not fetched before.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("The issuer's keys cannot be fetched now; try again.")
        self.retry_after_seconds = max(1, retry_after_seconds)


def is_user_id(text: str) -> bool:
    """Whether a text can name a user: 1 to 200 characters, printable, and not all of them spaces.

    The rule of tokens' `sub` and of `members` alike: who may sign in can be a member.
    """
    return len(text) <= MAX_USER_ID_CHARACTERS and text.isprintable() and text.strip() != ""


class Authenticator(Protocol):
    """Finds out who a token belongs to."""

    async def authenticate(self, token: str | None) -> Identity:
        """The identity that a bearer token proves. Raises InvalidTokenError and KeysUnavailableError."""
        ...


class LocalAuthenticator:
    """Everybody is the user `local`. Only for a process that nothing but this machine can reach."""

    async def authenticate(self, token: str | None) -> Identity:  # noqa: ARG002 - the port's signature
        """Identity `local`, whatever the token."""
        return Identity(user_id=LOCAL_USER)

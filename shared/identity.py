"""Who is calling: the same check for the API and for the relay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LOCAL_USER = "local"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who they are; `expires_at` None: for as long as the process lives."""

    user_id: str
    expires_at: datetime | None = None


class InvalidTokenError(Exception):
    """The token is missing, or proves nothing. Retrying with the same one does not help."""


class Authenticator(Protocol):
    """Finds out who a token belongs to."""

    async def authenticate(self, token: str | None) -> Identity:
        """The identity that a bearer token proves. Raises InvalidTokenError."""
        ...


class LocalAuthenticator:
    """Everybody is the user `local`. Only for a process that nothing but this machine can reach."""

    async def authenticate(self, token: str | None) -> Identity:  # noqa: ARG002 - the port's signature
        """Identity `local`, whatever the token."""
        return Identity(user_id=LOCAL_USER)

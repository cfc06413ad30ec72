"""Identity by JSON Web Tokens (RFC 7519) that an OpenID Connect provider signed."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import jwt

from shared.identity import Authenticator, Identity, InvalidTokenError, LocalAuthenticator
from shared.identity_settings import IdentitySettings

# Only signatures with a private key: a shared secret, or none at all, proves nothing about a public key's owner.
_ALGORITHMS = ["RS256", "ES256"]
_KEYS_SECONDS = 300.0
_REFETCH_SECONDS = 60.0
_FETCH_SECONDS = 5.0
# Clocks differ; more than this is no accident.
_LEEWAY_SECONDS = 10.0


class IssuerKeys(jwt.PyJWKClient):
    """The issuer's keys. Whatever goes wrong with fetching them is one error, and starts the pause before the next."""

    def fetch_data(self) -> Any:
        """Fetch the keys. Raises PyJWKClientConnectionError."""
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, ValueError, RecursionError, OSError) as error:
            # PyJWT counts its pause from the last success only; an unknown key id must not hammer a failing issuer.
            self._last_successful_fetch = time.monotonic()
            raise jwt.PyJWKClientConnectionError(f"the keys cannot be fetched: {type(error).__name__}") from error


class JwtAuthenticator:
    """The Authenticator of production: RS256 and ES256 against the issuer's published keys.

    The keys are cached; an unknown key id fetches them again at most once a minute.
    """

    def __init__(self, jwks_url: str, issuer: str, audience: str) -> None:
        self._keys = IssuerKeys(
            jwks_url, lifespan=_KEYS_SECONDS, cooldown_duration=_REFETCH_SECONDS, timeout=_FETCH_SECONDS
        )
        self._issuer = issuer
        self._audience = audience

    async def authenticate(self, token: str | None) -> Identity:
        """See Authenticator."""
        if not token:
            raise InvalidTokenError("Send a bearer token.")
        # In a thread: the keys may have to be fetched.
        return await asyncio.to_thread(self._authenticate, token)

    def _authenticate(self, token: str) -> Identity:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("The token has expired.") from error
        except jwt.PyJWKClientConnectionError as error:
            raise InvalidTokenError("The issuer's keys cannot be fetched now; try again.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            # The last three: claims of impossible types and times, and text that is no text.
            raise InvalidTokenError("The token is not valid here.") from error
        if not claims["sub"]:
            raise InvalidTokenError("The token is not valid here.")
        return Identity(str(claims["sub"]), expires_at)


def build_authenticator(settings: IdentitySettings) -> Authenticator:
    """Who checks identities: tokens where the settings name their issuer, else everybody is the local user."""
    if settings.jwks_url and settings.jwt_issuer and settings.jwt_audience:
        return JwtAuthenticator(settings.jwks_url, settings.jwt_issuer, settings.jwt_audience)
    return LocalAuthenticator()

"""Identity by JSON Web Tokens (RFC 7519) that an OpenID Connect provider signed."""

import asyncio
from datetime import UTC, datetime

import jwt

from shared.identity import Identity, InvalidTokenError

# Only signatures with a private key: a shared secret, or none at all, proves nothing about a public key's owner.
_ALGORITHMS = ["RS256", "ES256"]
_KEYS_SECONDS = 300.0
_REFETCH_SECONDS = 60.0
_FETCH_SECONDS = 5.0
# Clocks differ; more than this is no accident.
_LEEWAY_SECONDS = 10.0


class JwtAuthenticator:
    """The Authenticator of production: RS256 and ES256 against the issuer's published keys.

    The keys are cached; an unknown key id fetches them again at most once a minute.
    """

    def __init__(self, jwks_url: str, issuer: str, audience: str) -> None:
        self._keys = jwt.PyJWKClient(
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
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("The token has expired.") from error
        except jwt.PyJWKClientConnectionError as error:
            raise InvalidTokenError("The issuer's keys cannot be fetched now; try again.") from error
        except jwt.PyJWTError as error:
            raise InvalidTokenError("The token is not valid here.") from error
        return Identity(str(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC))

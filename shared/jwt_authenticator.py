"""Authentication by JSON Web Tokens (RFC 7519) of an OpenID Connect provider."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt

from shared.identity import Authenticator, Identity, InvalidTokenError, LocalAuthenticator, is_user_id
from shared.identity_settings import IdentitySettings
from shared.issuer_keys import IssuerKeys
from shared.jwks import ALGORITHMS

# Allowed difference between clocks.
_LEEWAY_SECONDS = 10.0
_TIMES = ("exp", "nbf", "iat")


class JwtAuthenticator:
    """The Authenticator for production: verifies RS256 and ES256 with the issuer's published keys.

    Args:
        jwks_url: the URL of the issuer's key set.
        issuer: the required `iss` of tokens.
        audience: the required `aud` of tokens.
        is_frozen_between_requests, monotonic: see IssuerKeys.
    """

    def __init__(
        self,
        jwks_url: str,
        issuer: str,
        audience: str,
        *,
        is_frozen_between_requests: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = IssuerKeys(jwks_url, is_frozen_between_requests=is_frozen_between_requests, monotonic=monotonic)
        self._issuer = issuer
        self._audience = audience

    async def authenticate(self, token: str | None) -> Identity:
        """See Authenticator."""
        if not token:
            raise InvalidTokenError("Send a bearer token.")
        key = await self._keys.find(_key_id_of(token))
        if key is None:
            raise InvalidTokenError("The token is not valid.")
        return self._identify(token, key)

    def _identify(self, token: str, key: jwt.PyJWK) -> Identity:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            _check_times(claims)
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("The token has expired.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
            # Besides PyJWT's errors: claims of invalid types, impossible times and lone surrogates.
            raise InvalidTokenError("The token is not valid.") from error
        if not is_user_id(claims["sub"]):
            raise InvalidTokenError("The token is not valid.")
        return Identity(claims["sub"], expires_at)


def _key_id_of(token: str) -> str:
    """The id of the key that signed a token. Raises InvalidTokenError before any key is fetched."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidTokenError("The token is not valid.") from error
    key_id = header.get("kid")
    if header.get("alg") not in ALGORITHMS or not isinstance(key_id, str):
        raise InvalidTokenError("The token is not valid.")
    return key_id


def _check_times(claims: dict[str, Any]) -> None:
    """Raises TypeError if a time is not a number: PyJWT accepts numeric strings."""
    for name in _TIMES:
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise TypeError(f"{name} must be a number")


def build_authenticator(settings: IdentitySettings, *, is_frozen_between_requests: bool = False) -> Authenticator:
    """The authenticator for the settings: by tokens if they name an issuer, else every caller is the local user.

    Args:
        settings: of the token issuer, if any.
        is_frozen_between_requests: see IssuerKeys.
    """
    if settings.jwks_url and settings.jwt_issuer and settings.jwt_audience:
        return JwtAuthenticator(
            settings.jwks_url,
            settings.jwt_issuer,
            settings.jwt_audience,
            is_frozen_between_requests=is_frozen_between_requests,
        )
    return LocalAuthenticator()

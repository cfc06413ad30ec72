"""Identity by JSON Web Tokens (RFC 7519) that an OpenID Connect provider signed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt

from shared.identity import Authenticator, Identity, InvalidTokenError, LocalAuthenticator, is_user_id
from shared.identity_settings import IdentitySettings
from shared.issuer_keys import IssuerKeys
from shared.jwks import ALGORITHMS

# Clocks differ; more than this is no accident.
_LEEWAY_SECONDS = 10.0
_TIMES = ("exp", "nbf", "iat")


class JwtAuthenticator:
    """The Authenticator of production: RS256 and ES256 against the issuer's published keys.

    Args:
        jwks_url: where the issuer publishes its keys.
        issuer: the `iss` of its tokens.
        audience: the `aud` of those that are meant for here.
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
            raise InvalidTokenError("The token is not valid here.")
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
            # All but the first: claims of impossible types and times, and text that is no text.
            raise InvalidTokenError("The token is not valid here.") from error
        if not is_user_id(claims["sub"]):
            raise InvalidTokenError("The token is not valid here.")
        return Identity(claims["sub"], expires_at)


def _key_id_of(token: str) -> str:
    """The id of the key that a token names. Raises InvalidTokenError, before any key is fetched for its sake."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidTokenError("The token is not valid here.") from error
    key_id = header.get("kid")
    if header.get("alg") not in ALGORITHMS or not isinstance(key_id, str):
        raise InvalidTokenError("The token is not valid here.")
    return key_id


def _check_times(claims: dict[str, Any]) -> None:
    """Raises TypeError where a time is no number: PyJWT takes text that spells one."""
    for name in _TIMES:
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise TypeError(f"{name} must be a number")


def build_authenticator(settings: IdentitySettings, *, is_frozen_between_requests: bool = False) -> Authenticator:
    """Who checks identities: tokens where the settings name their issuer, else everybody is the local user.

    Args:
        settings: name the issuer, or none.
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

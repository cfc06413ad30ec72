"""Fetches a JSON Web Key Set from a server that is not trusted to answer well."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

import jwt

# Asymmetric algorithms only: a shared secret or no signature would not prove the issuer.
ALGORITHMS = ("RS256", "ES256")
_KEY_TYPES = ("RSA", "EC")
# Large issuers publish about ten keys of 2 kB.
_MOST_BYTES = 1_000_000
_MOST_KEYS = 200
_READ_BYTES = 65_536


class JwksError(Exception):
    """The keys could not be fetched, or none of them can be used."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: only keys from the configured URL are trusted."""

    def redirect_request(self, *_args: object) -> None:
        """None: the redirect is an error."""


def fetch_keys(url: str, seconds: float) -> dict[str, jwt.PyJWK]:
    """The keys for ALGORITHMS in the key set at an http or https URL, by id; at least one.

    Blocks its thread for about `seconds` at most. Raises JwksError.
    """
    try:
        published = json.loads(_read(url, seconds))
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise JwksError(_describe(error)) from error
    listed = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise JwksError("the answer is no key set")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in listed:
        if _is_for_signatures(entry) and entry["kid"] not in keys and (key := _parse(entry)) is not None:
            keys[entry["kid"]] = key
    if not keys:
        raise JwksError("the key set holds no key that can be used")
    return keys


def _read(url: str, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    body = bytearray()
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=seconds) as response:
        while chunk := response.read1(_READ_BYTES):
            body += chunk
            if len(body) > _MOST_BYTES:
                raise ValueError("the answer is too large")
            if time.monotonic() > deadline:
                raise TimeoutError("the answer takes too long")
    return bytes(body)


def _is_for_signatures(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kid"), str)
        and entry["kid"] != ""
        and entry.get("kty") in _KEY_TYPES
        and entry.get("use", "sig") == "sig"
        and entry.get("alg") in (None, *ALGORITHMS)
    )


def _parse(entry: dict[str, Any]) -> jwt.PyJWK | None:
    """The key; None if it cannot be used."""
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):  # the last three: members of other types
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _describe(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"HTTP status {error.code}"
    return str(error) if isinstance(error, TimeoutError) else type(error).__name__

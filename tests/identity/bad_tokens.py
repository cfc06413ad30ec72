"""Invalid tokens, by the reason."""

import json
from collections.abc import Callable
from typing import Any

from tests.identity.issuer import AUDIENCE, ISSUER, NULL, TokenIssuer, assemble, base64url, claims_of, hs256, rsa_key

# Signs with an unpublished key under the id of a published one.
_IMPOSTOR = rsa_key("rsa-1")
_SECRET = b"a secret that an attacker may know, 32 bytes or more"

# Whatever they are, they are no tokens.
_NO_TOKENS = {
    "empty": "",
    "garbage": "garbage",
    "three parts of garbage": "a.b.c",
    "dots alone": "..",
    "text beyond ASCII": "é.漢.\U0001f600",
    "half a character": "\ud800.a.b",
    "a megabyte of nothing": "x" * 1_000_000,
    "deep nesting in the header": f"{base64url(b'[' * 20_000)}.e30.AA",
}

# Well signed, under a header that does not go with the key; a field that is None is left out.
_WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "no alg": {"alg": None},
    "alg is a list": {"alg": ["RS256"]},
    "ES256 said of an RSA key": {"alg": "ES256"},
    "RS512 said of an RS256 key": {"alg": "RS512"},
    "the kid of another key": {"kid": "ec-1"},
    "an unknown kid": {"kid": "rsa-99"},
    "no kid": {"kid": None},
    "a kid that is no text": {"kid": ["rsa-1"]},
    "an unknown critical header": {"crit": ["trust"], "trust": True},
}

# Well signed, and yet not for here, or not for now; a claim that is None is left out.
_WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"life": -60},
    "expired in 1970": {"exp": 0},
    "not valid yet": {"nbf": claims_of()["iat"] + 3_600},
    "issued in the future": {"iat": claims_of()["iat"] + 3_600},
    "for another audience": {"aud": "another-audience"},
    "for several other audiences": {"aud": ["a", "b"]},
    "an audience that only begins right": {"aud": "vibewire-tests-2"},
    "of another issuer": {"iss": "https://evil.example/"},
    "an issuer without its slash": {"iss": "https://issuer.example"},
    "no issuer": {"iss": None},
    "no audience": {"aud": None},
    "no exp": {"exp": None},
    "an exp that is text": {"exp": "4102444800"},
    "an exp that is a list": {"exp": [4102444800]},
    "an exp that is infinite": {"exp": float("inf")},
    "an exp in milliseconds": {"exp": 4_102_444_800_000},
    "an exp that is no number": {"exp": float("nan")},
    "an exp that is true": {"exp": True},
    "an exp of 300 digits": {"exp": 10**300},
    "an exp of 5,000 digits": {"exp": 10**4_999},
    "an exp that is an object": {"exp": {"seconds": 4_102_444_800}},
    "an nbf that is text": {"nbf": "5"},
    "an nbf in other digits": {"nbf": "\u0665"},
    "an nbf that is null": {"nbf": NULL},
    "an nbf that is a list": {"nbf": [5]},
    "an nbf that is infinite": {"nbf": float("inf")},
    "an nbf that is true": {"nbf": True},
    "an iat that is text": {"iat": "5"},
    "an iat that is an object": {"iat": {}},
    "an issuer that is a list": {"iss": [ISSUER]},
    "an issuer that is an object": {"iss": {ISSUER: True}},
    "an audience that is an object": {"aud": {AUDIENCE: True}},
    "an audience that is a number": {"aud": 7},
    "an empty audience": {"aud": []},
    "an audience with a number in it": {"aud": [AUDIENCE, 7]},
    "an audience in a list in a list": {"aud": [[AUDIENCE]]},
    "a jti that is a list": {"jti": ["id"]},
}
_WRONG_SUBJECTS: dict[str, dict[str, Any]] = {
    "no sub": {},
    "an empty sub": {"sub": ""},
    "a sub that is a number": {"sub": 7},
    "a sub that is a list": {"sub": ["owner"]},
    "a sub that is null": {"sub": None},
    "a sub that is true": {"sub": True},
    "a sub that is an object": {"sub": {"owner": True}},
    "half a character as sub": {"sub": "\ud800"},
    "half a character in the sub": {"sub": "owner\udfff"},
    "a sub of 201 characters": {"sub": "o" * 201},
    "a sub of 4,000 bytes": {"sub": "\U0001f600" * 1_000},
    "a NUL in the sub": {"sub": "owner\x00"},
    "a line's end in the sub": {"sub": "owner\n"},
    "a tab as sub": {"sub": "\t"},
    "a delete character in the sub": {"sub": "own\x7fer"},
    "a C1 control character in the sub": {"sub": "own\x85er"},
    "a line separator in the sub": {"sub": "own\u2028er"},
    "a change of direction in the sub": {"sub": "\u202eowner"},
    "nothing visible in the sub": {"sub": "owner\u200b"},
    "three spaces as sub": {"sub": "   "},
    "a space of no width as sub": {"sub": "\ufeff"},
}

# alg and secret of tokens that are signed with a shared secret.
_SHARED_SECRETS: dict[str, tuple[str, Callable[[TokenIssuer], bytes]]] = {
    "HS256 with the public key": ("HS256", lambda issuer: issuer.rsa.public_pem),
    "HS256 with the published key": ("HS256", lambda issuer: json.dumps(issuer.rsa.jwk).encode()),
    "HS256 with no secret": ("HS256", lambda _: b""),
    "HS256 with a known secret": ("HS256", lambda _: _SECRET),
    "HMAC called RS256": ("RS256", lambda issuer: issuer.rsa.public_pem),
}
_UNSIGNED = {"alg=none": "none", "alg=None": "None", "alg=null": None}

# Tokens made of a valid one, a forged one and another user's.
_TAMPERED: dict[str, Callable[[str, str, str], str]] = {
    "two parts": lambda good, _forged, _other: good.rpartition(".")[0],
    "five parts like a JWE": lambda good, _forged, other: f"{good}.{other.partition('.')[2]}",
    "a header that is no object": lambda good, _forged, _other: _with_part(good, 0, base64url(b'["RS256"]')),
    "a payload that is no object": lambda good, _forged, _other: _with_part(good, 1, base64url(b'"owner"')),
    "another payload": lambda good, _forged, other: _with_part(other, 1, good.split(".")[1]),
    "another signature": lambda good, _forged, _other: _with_part(good, 2, _turned(good.split(".")[2])),
    "no signature": lambda good, _forged, _other: _with_part(good, 2, ""),
    "half a signature": lambda good, _forged, _other: good[:-170],
    "the signature of another token": lambda good, _forged, other: _with_part(good, 2, other.split(".")[2]),
    "signed by another issuer": lambda _good, forged, _other: forged,
}

# Signed by an impostor whose header says where to find the right key.
_POINTERS: dict[str, dict[str, Any]] = {
    "a key of its own": {"jwk": _IMPOSTOR.jwk},
    "a key set of its own": {"jku": "http://127.0.0.1:9/jwks.json", "x5u": "http://127.0.0.1:9/x"},
}
_PADDED = "a megabyte"

BAD_TOKENS = [
    *(*_NO_TOKENS, *_WRONG_HEADERS, *_WRONG_CLAIMS, *_WRONG_SUBJECTS),
    *(*_SHARED_SECRETS, *_UNSIGNED, *_TAMPERED, *_POINTERS, _PADDED),
]


def bad_token(kind: str, issuer: TokenIssuer, sub: str) -> str:
    """A token of one of the BAD_TOKENS; if it has claims, they claim to be of `sub`."""
    if kind in _NO_TOKENS:
        return _NO_TOKENS[kind]
    if kind in _WRONG_CLAIMS:
        return issuer.sign(claims_of(sub, **_WRONG_CLAIMS[kind]))
    if kind in _WRONG_SUBJECTS:
        anonymous = {name: value for name, value in claims_of(sub).items() if name != "sub"}
        return issuer.sign({**anonymous, **_WRONG_SUBJECTS[kind]})
    if kind in _TAMPERED:
        return _TAMPERED[kind](issuer.token(sub), issuer.token(sub, key=_IMPOSTOR), issuer.token("bob"))
    return _signed_badly(kind, issuer, sub)


def _signed_badly(kind: str, issuer: TokenIssuer, sub: str) -> str:
    header = {"typ": "JWT", "kid": issuer.rsa.kid}
    if kind in _WRONG_HEADERS:
        return issuer.sign(claims_of(sub), **_WRONG_HEADERS[kind])
    if kind in _POINTERS:
        return issuer.sign(claims_of(sub), key=_IMPOSTOR, **_POINTERS[kind])
    if kind in _UNSIGNED:
        return assemble({"alg": _UNSIGNED[kind], **header}, claims_of(sub), lambda _: b"")
    if kind in _SHARED_SECRETS:
        alg, secret_of = _SHARED_SECRETS[kind]
        return assemble({"alg": alg, **header}, claims_of(sub), hs256(secret_of(issuer)))
    assert kind == _PADDED
    return issuer.sign(claims_of(sub, padding="x" * 750_000), key=_IMPOSTOR)


def _with_part(token: str, index: int, part: str) -> str:
    parts = token.split(".")
    parts[index] = part
    return ".".join(parts)


def _turned(signature: str) -> str:
    return ("B" if signature[0] == "A" else "A") + signature[1:]

"""A token issuer for tests: keys, the HTTP server that publishes them, valid and invalid tokens."""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.loopback_server import LoopbackServer

Json = dict[str, Any]

ISSUER = "https://issuer.example/"
AUDIENCE = "vibewire-tests"
LIFE_SECONDS = 3_600
# A claim that is null in the token; one that is None is left out.
NULL = object()


@dataclass(frozen=True)
class SigningKey:
    """A private key with the id that it is published under."""

    kid: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @cached_property
    def jwk(self) -> Json:
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            published = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            published = ECAlgorithm.to_jwk(public, as_dict=True)
        return {**published, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @cached_property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def rsa_key(kid: str) -> SigningKey:
    return SigningKey(kid, rsa.generate_private_key(65537, 2048))


def ec_key(kid: str) -> SigningKey:
    return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()))


@dataclass
class Published:
    """What the key server answers, and how often it was asked.

    Attributes:
        keys: the key set; changing it is a rotation.
        answer: a status and a body instead of the key set.
        hang_up: closes the connection without a word.
    headers: headers of its answer beside those of HTTP.
    may_answer: while it is not set, answers are held back.
    """

    keys: list[Json] = field(default_factory=list)
    answer: tuple[int, bytes] | None = None
    hang_up: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    may_answer: threading.Event = field(default_factory=threading.Event)
    fetches: int = 0


class TokenIssuer(LoopbackServer):
    """An OpenID Connect provider as far as keys and tokens go. Use it in a `with` block."""

    def __init__(self) -> None:
        self.rsa = rsa_key("rsa-1")
        self.ec = ec_key("ec-1")
        self.published = Published([self.rsa.jwk, self.ec.jwk])
        self.published.may_answer.set()
        super().__init__(_handler_of(self.published))

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks.json"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a process that trusts this issuer."""
        return {"jwks_url": self.jwks_url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}

    def heal(self) -> None:
        """Publish the two keys again and reset the count."""
        self.published.keys = [self.rsa.jwk, self.ec.jwk]
        self.published.answer, self.published.hang_up, self.published.headers = None, False, {}
        self.published.may_answer.set()
        self.published.fetches = 0

    def token(self, sub: str = "ann", *, key: SigningKey | None = None, life: float = LIFE_SECONDS, **more: Any) -> str:
        """A good token, but for the claims in `more`; a claim that is None is left out."""
        return self.sign(claims_of(sub, life=life, **more), key=key)

    def sign(self, claims: Mapping[str, Any], *, key: SigningKey | None = None, **header: Any) -> str:
        """Sign the claims. Fields of the header may be given; one that is None is left out."""
        key = key or self.rsa
        head = without_none({"alg": key.algorithm, "typ": "JWT", "kid": key.kid, **header})
        algorithm = jwt.get_algorithm_by_name(key.algorithm)
        return assemble(head, claims, lambda text: algorithm.sign(text, key.private))


def claims_of(sub: str = "ann", *, life: float = LIFE_SECONDS, **more: Any) -> Json:
    """The claims of a valid token, replaced by those in `more`."""
    now = time.time()
    return without_none({"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "iat": int(now), "exp": now + life, **more})


def assemble(header: Json, claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token by hand, so that no library refuses to make it."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{base64url(sign(text.encode()))}"


def encoded(part: Mapping[str, Any]) -> str:
    nulls = {name: None if value is NULL else value for name, value in part.items()}
    with _numbers_of_any_length():
        return base64url(json.dumps(nulls).encode())


@contextmanager
def _numbers_of_any_length() -> Iterator[None]:
    """Python refuses to write longer numbers, as a protection; an attacker's tool does not."""
    most = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(most)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


def without_none(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _handler_of(published: Published) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.fetches += 1
            published.may_answer.wait()
            if published.hang_up:
                return
            status, body = published.answer or (200, json.dumps({"keys": published.keys}).encode())
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **published.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the client may have disconnected
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Say nothing."""

    return Handler

"""The issuer's keys: fetched seldom, changed while running, and sometimes not to be had."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from shared.identity import InvalidTokenError
from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer, claims_of, rsa_key

NOT_NOW = "The issuer's keys cannot be fetched now; try again."
NEW_KEY = rsa_key("rsa-2")
FAILURES = {
    "an error": (503, b"busy"),
    "not found": (404, b"{}"),
    "a redirect": (302, b""),
    "a page": (200, b"<html>Sign in to the Wi-Fi</html>"),
    "nothing": (200, b""),
    "bytes that are no text": (200, b"\xff\xfe\xfa"),
    "deep nesting": (200, b"[" * 100_000),
    "a list": (200, b"[]"),
    "null": (200, b"null"),
    "no keys": (200, b'{"keys": []}'),
    "keys that are no list": (200, b'{"keys": 7}'),
    "keys that are no objects": (200, b'{"keys": [7, null]}'),
    "keys that cannot be used": (200, b'{"keys": [{"kty": "RSA", "kid": "rsa-1", "n": "?", "e": "AQAB"}]}'),
}


class Clock:
    """The clock by which keys grow old."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("jwks_client", "jwk_set_cache", "api_jwk"):
        monkeypatch.setattr(f"jwt.{module}.time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


async def is_good(authenticator: JwtAuthenticator, token: str) -> bool:
    try:
        return (await authenticator.authenticate(token)).user_id == "ann"
    except InvalidTokenError:
        return False


async def refusal_of(authenticator: JwtAuthenticator, token: str) -> str:
    with pytest.raises(InvalidTokenError) as refused:
        await authenticator.authenticate(token)
    return str(refused.value)


async def test_the_keys_are_fetched_once_for_many_tokens(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    for key in (issuer.rsa, issuer.ec) * 10:
        assert await is_good(authenticator, issuer.token("ann", key=key))
        clock.now += 14
    assert issuer.published.fetches == 1


async def test_the_keys_are_fetched_once_for_many_tokens_at_once(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    assert all(await asyncio.gather(*(is_good(authenticator, issuer.token("ann")) for _ in range(30))))
    assert issuer.published.fetches == 1


async def test_nothing_is_fetched_before_the_first_token_nor_for_what_is_no_token(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    for garbage in ("", "garbage", "a.b.c", "x" * 1_000_000):
        await refusal_of(authenticator, garbage)
    assert issuer.published.fetches == 0


async def test_the_keys_are_fetched_again_after_five_minutes(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    await is_good(authenticator, issuer.token("ann"))
    clock.now += 301
    assert await is_good(authenticator, issuer.token("ann"))
    assert issuer.published.fetches == 2


async def test_a_key_that_the_issuer_withdrew_is_good_for_five_minutes_at_most(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    assert await is_good(authenticator, issuer.token("ann"))
    issuer.published.keys = [NEW_KEY.jwk]
    clock.now += 301
    assert not await is_good(authenticator, issuer.token("ann"))


async def test_an_unknown_key_id_has_the_keys_fetched_once_a_minute_at_most(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    fetches = []
    for _ in range(3):
        for number in range(10):
            assert not await is_good(authenticator, issuer.sign(claims_of(), kid=f"unknown-{number}"))
        fetches.append(issuer.published.fetches)
        clock.now += 61
    assert fetches == [1, 2, 3]


async def test_a_new_key_is_good_a_minute_after_the_last_fetch(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    assert await is_good(authenticator, issuer.token("ann"))
    issuer.published.keys = [NEW_KEY.jwk, issuer.rsa.jwk]
    new = issuer.token("ann", key=NEW_KEY)
    assert not await is_good(authenticator, new)
    clock.now += 61
    assert await is_good(authenticator, new)
    assert await is_good(authenticator, issuer.token("ann"))
    assert issuer.published.fetches == 2


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_issuer_that_fails_has_tokens_refused_and_is_asked_again_a_minute_later(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock, failure: str
) -> None:
    issuer.published.answer = FAILURES[failure]
    assert await refusal_of(authenticator, issuer.token("ann")) in (NOT_NOW, "The token is not valid here.")
    issuer.published.answer = None
    clock.now += 61
    assert await is_good(authenticator, issuer.token("ann"))


async def test_an_issuer_that_hangs_up_has_tokens_refused_for_now(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    issuer.published.hang_up = True
    assert await refusal_of(authenticator, issuer.token("ann")) == NOT_NOW
    issuer.published.hang_up = False
    clock.now += 61
    assert await is_good(authenticator, issuer.token("ann"))


async def test_an_issuer_that_nobody_reaches_has_tokens_refused_for_now(issuer: TokenIssuer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = JwtAuthenticator(f"http://127.0.0.1:{port}/jwks.json", ISSUER, AUDIENCE)
    assert await refusal_of(nowhere, issuer.token("ann")) == NOT_NOW


async def test_known_keys_stay_good_while_the_issuer_fails(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    assert await is_good(authenticator, issuer.token("ann"))
    issuer.published.answer = FAILURES["an error"]
    clock.now += 61
    assert await refusal_of(authenticator, issuer.token("ann", key=NEW_KEY)) == NOT_NOW
    assert await is_good(authenticator, issuer.token("ann"))


@pytest.mark.parametrize("answer", ["an error", "no keys"])
async def test_unknown_key_ids_do_not_have_a_failing_issuer_asked_more_than_once_a_minute(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock, answer: str
) -> None:
    assert await is_good(authenticator, issuer.token("ann"))
    issuer.published.answer = FAILURES[answer]
    clock.now += 61
    for number in range(10):
        await refusal_of(authenticator, issuer.sign(claims_of(), kid=f"unknown-{number}"))
    assert issuer.published.fetches == 2


async def test_a_key_of_the_same_name_replaces_the_old_one(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, clock: Clock
) -> None:
    other = rsa_key(issuer.rsa.kid)
    assert await is_good(authenticator, issuer.token("ann"))
    issuer.published.keys = [other.jwk]
    clock.now += 301
    assert await is_good(authenticator, issuer.token("ann", key=other))
    assert not await is_good(authenticator, issuer.token("ann"))

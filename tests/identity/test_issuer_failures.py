"""Token checks while the issuer fails, hangs or sends something else than keys."""

import asyncio
import itertools
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.identity import KeysUnavailableError
from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer, claims_of
from tests.identity.key_checks import (
    DAY_SECONDS,
    NEW_KEY,
    WAIT_SECONDS,
    Clock,
    judge,
    key_set,
    until_fetched,
    until_judged,
)

SHARED_SECRET = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "rsa-1"}
FAILURES = {
    "an error": (503, b"busy"),
    "not found": (404, b"{}"),
    "a redirect": (302, b""),
    "nothing at all": (204, b""),
    "a page": (200, b"<html>Sign in to the Wi-Fi</html>"),
    "nothing": (200, b""),
    "bytes that are no text": (200, b"\xff\xfe\xfa"),
    "deep nesting": (200, b"[" * 100_000),
    "a number of many digits": (200, b"9" * 10_000),
    "a list": (200, b"[]"),
    "null": (200, b"null"),
    "no keys": (200, b'{"keys": []}'),
    "keys that are no list": (200, b'{"keys": 7}'),
    "keys by their ids": (200, json.dumps({"keys": {"rsa-1": NEW_KEY.jwk}}).encode()),
    "keys that are no objects": (200, key_set(7, None, "rsa-1", [])),
    "keys that cannot be used": (200, key_set({"kty": "RSA", "kid": "rsa-1", "n": "?", "e": "AQAB"})),
    "keys of odd members": (200, key_set({"kty": "RSA", "kid": "rsa-1", "n": ["AQAB"], "e": 7}, {"kty": ["RSA"]})),
    "an odd algorithm": (200, key_set({**NEW_KEY.jwk, "alg": ["RS256"]})),
    "another algorithm": (200, key_set({**NEW_KEY.jwk, "alg": "RS512"})),
    "another curve": (200, key_set({"kty": "EC", "crv": "P-384", "kid": "ec-1", "x": "AQAB", "y": "AQAB"})),
    "keys without ids": (
        200,
        key_set({**NEW_KEY.jwk, "kid": None}, {**NEW_KEY.jwk, "kid": 7}, {**NEW_KEY.jwk, "kid": ""}),
    ),
    "a shared secret": (200, key_set(SHARED_SECRET)),
    "keys for encryption": (200, key_set({**NEW_KEY.jwk, "use": "enc"})),
    "more keys than issuers have": (200, key_set(*[{**NEW_KEY.jwk, "kid": str(number)} for number in range(300)])),
    "two megabytes": (200, key_set(NEW_KEY.jwk) + b" " * 2_000_000),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_while_the_issuer_fails_no_token_is_invalid_and_the_fetch_is_retried_after_a_pause(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock, failure: str
) -> None:
    issuer.published.answer = FAILURES[failure]
    for key in (issuer.rsa, issuer.ec, NEW_KEY) * 20:
        assert await judge(authenticator, issuer.token("ann", key=key)) == "unavailable"
    assert issuer.published.fetches == 1
    issuer.published.answer = None
    key_clock.now += 6
    assert await judge(authenticator, issuer.token("ann")) == "good"
    assert issuer.published.fetches == 2


@pytest.mark.parametrize("failure", FAILURES)
async def test_known_keys_stay_valid_for_a_day_while_the_issuer_fails(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock, failure: str
) -> None:
    token = issuer.token("ann", life=2 * DAY_SECONDS)
    assert await judge(authenticator, token) == "good"
    issuer.published.answer = FAILURES[failure]
    for hours in (1, 11, 11):
        key_clock.now += hours * 3_600
        fetches = issuer.published.fetches
        assert [await judge(authenticator, token) for _ in range(10)] == ["good"] * 10
        await until_fetched(issuer, fetches + 1)
        await until_judged(authenticator, issuer.token("ann", key=NEW_KEY), "unavailable")
        assert issuer.published.fetches == fetches + 1
    key_clock.now += 3_600 + 1
    assert await judge(authenticator, token) == "unavailable"
    issuer.published.answer = None
    key_clock.now += 61
    assert await judge(authenticator, token) == "good"


async def test_the_pause_after_failures_grows_to_a_minute(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    issuer.published.answer = FAILURES["an error"]
    asked = []
    for _ in range(300):
        before = issuer.published.fetches
        await judge(authenticator, issuer.token("ann"))
        if issuer.published.fetches > before:
            asked.append(key_clock.now)
        key_clock.now += 1
    assert [later - earlier for earlier, later in itertools.pairwise(asked)] == [5, 10, 20, 40, 60, 60, 60]


async def test_a_refusal_says_when_the_keys_are_fetched_again(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    issuer.published.answer = FAILURES["an error"]
    for second in range(3):
        with pytest.raises(KeysUnavailableError) as refused:
            await authenticator.authenticate(issuer.token("ann"))
        assert refused.value.retry_after_seconds == 5 - second
        key_clock.now += 1


async def test_no_token_is_invalid_because_an_issuer_disconnects_or_is_unreachable(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    issuer.published.hang_up = True
    assert await judge(authenticator, issuer.token("ann")) == "unavailable"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = JwtAuthenticator(f"http://127.0.0.1:{port}/jwks.json", ISSUER, AUDIENCE)
    assert await judge(nowhere, issuer.token("ann")) == "unavailable"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(authenticator: JwtAuthenticator, issuer: TokenIssuer, status: int) -> None:
    with TokenIssuer() as other:
        issuer.published.answer, issuer.published.headers = (status, b""), {"Location": other.jwks_url}
        assert await judge(authenticator, other.token("ann")) == "unavailable"
        assert other.published.fetches == 0


@pytest.mark.parametrize("length", ["1", "100000", "nonsense", "-5"])
async def test_a_response_with_a_wrong_length_is_harmless(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock, length: str
) -> None:
    issuer.published.headers = {"Content-Length": length}
    assert await judge(authenticator, issuer.token("ann")) in ("good", "unavailable")
    issuer.published.headers = {}
    key_clock.now += 61
    assert await judge(authenticator, issuer.token("ann")) == "good"


async def test_requests_share_one_fetch_from_a_slow_issuer_and_block_no_shared_thread(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    issuer.published.may_answer.clear()
    with ThreadPoolExecutor(1) as only_thread:
        asyncio.get_running_loop().set_default_executor(only_thread)
        waiting = [asyncio.create_task(judge(authenticator, issuer.token("ann"))) for _ in range(60)]
        await until_fetched(issuer, 1)
        async with asyncio.timeout(WAIT_SECONDS):
            assert await asyncio.to_thread(lambda: "served") == "served"
        waiting.pop().cancel()  # a cancelled request does not affect the others
        issuer.published.may_answer.set()
        assert set(await asyncio.gather(*waiting)) == {"good"}
    assert issuer.published.fetches == 1


async def test_all_requests_fail_after_one_fetch_from_an_issuer_that_never_answers(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    issuer.published.may_answer.clear()
    waiting = (judge(authenticator, issuer.token("ann")) for _ in range(60))
    assert set(await asyncio.gather(*waiting)) == {"unavailable"}
    assert issuer.published.fetches == 1
    issuer.published.may_answer.set()


@pytest.mark.parametrize("answer", ["an error", "no keys"])
async def test_unknown_key_ids_do_not_cause_fetches_without_a_pause(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock, answer: str
) -> None:
    assert await judge(authenticator, issuer.token("ann")) == "good"
    issuer.published.answer = FAILURES[answer]
    key_clock.now += 61
    for number in range(60):
        assert await judge(authenticator, issuer.sign(claims_of(), kid=f"unknown-{number}")) == "unavailable"
    assert issuer.published.fetches == 2

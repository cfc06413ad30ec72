"""The issuer's keys: fetched seldom, changed while running, and sometimes not to be had."""

import asyncio

import pytest

from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.issuer import Json, TokenIssuer, claims_of
from tests.identity.key_checks import NEW_KEY, Clock, judge, until_fetched, until_judged


async def test_the_keys_are_fetched_once_for_many_tokens(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    for key in (issuer.rsa, issuer.ec) * 10:
        assert await judge(authenticator, issuer.token("ann", key=key)) == "good"
        key_clock.now += 14
    assert issuer.published.fetches == 1


async def test_the_keys_are_fetched_once_for_concurrent_tokens(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    verdicts = await asyncio.gather(*(judge(authenticator, issuer.token("ann")) for _ in range(60)))
    assert set(verdicts) == {"good"}
    assert issuer.published.fetches == 1


async def test_keys_are_not_fetched_before_the_first_token_nor_for_malformed_tokens(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    headers: list[Json] = [{"alg": "none"}, {"alg": "HS256"}, {"alg": ["RS256"]}, {"kid": None}, {"kid": ["rsa-1"]}]
    for odd in ("garbage", "a.b.c", "x" * 1_000_000, *(issuer.sign(claims_of(), **header) for header in headers)):
        assert await judge(authenticator, odd) == "invalid"
    assert issuer.published.fetches == 0


async def test_keys_are_refreshed_after_five_minutes_while_requests_use_the_known_ones(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    assert await judge(authenticator, issuer.token("ann")) == "good"
    key_clock.now += 301
    issuer.published.may_answer.clear()
    assert [await judge(authenticator, issuer.token("ann")) for _ in range(20)] == ["good"] * 20
    await until_fetched(issuer, 2)
    issuer.published.may_answer.set()
    assert issuer.published.fetches == 2


@pytest.mark.parametrize("published", [[NEW_KEY.jwk], [{**NEW_KEY.jwk, "kid": "rsa-1"}]], ids=["removed", "replaced"])
async def test_a_key_that_the_issuer_withdrew_is_refused_once_the_keys_were_fetched_again(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock, published: list[Json]
) -> None:
    old = issuer.token("ann")
    assert await judge(authenticator, old) == "good"
    issuer.published.keys = published
    key_clock.now += 301
    await until_judged(authenticator, old, "invalid")
    assert issuer.published.fetches == 2


async def test_a_frozen_process_refuses_a_withdrawn_key_at_the_next_request(
    frozen: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    old = issuer.token("ann")
    assert await judge(frozen, old) == "good"
    issuer.published.keys = [NEW_KEY.jwk]
    key_clock.now += 301
    assert await judge(frozen, old) == "invalid"
    assert await judge(frozen, issuer.token("ann", key=NEW_KEY)) == "good"
    assert issuer.published.fetches == 2


async def test_a_frozen_process_uses_the_known_keys_if_the_issuer_is_slow(
    frozen: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    assert await judge(frozen, issuer.token("ann")) == "good"
    key_clock.now += 301
    issuer.published.may_answer.clear()
    assert [await judge(frozen, issuer.token("ann")) for _ in range(5)] == ["good"] * 5
    issuer.published.may_answer.set()
    assert issuer.published.fetches == 2


async def test_unknown_key_ids_cause_at_most_one_fetch_a_minute(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    fetches = []
    for _ in range(3):
        for number in range(60):
            assert await judge(authenticator, issuer.sign(claims_of(), kid=f"unknown-{number}")) == "invalid"
        fetches.append(issuer.published.fetches)
        key_clock.now += 61
    assert fetches == [1, 2, 3]


async def test_a_new_key_is_accepted_a_minute_after_the_last_fetch(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key_clock: Clock
) -> None:
    assert await judge(authenticator, issuer.token("ann")) == "good"
    issuer.published.keys = [NEW_KEY.jwk, issuer.rsa.jwk]
    new = issuer.token("ann", key=NEW_KEY)
    assert await judge(authenticator, new) == "invalid"
    key_clock.now += 61
    assert await judge(authenticator, new) == "good"
    assert await judge(authenticator, issuer.token("ann")) == "good"
    assert issuer.published.fetches == 2

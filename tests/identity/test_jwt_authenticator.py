"""Authentication by tokens: valid and invalid ones."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from shared.identity import InvalidTokenError
from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.bad_tokens import BAD_TOKENS, bad_token
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer, claims_of

EXPIRED = "The token has expired."
# The only messages for refused callers.
SENTENCES = {
    "Send a bearer token.",
    "The token is not valid.",
    EXPIRED,
    "The token issuer's keys cannot be fetched now; try again.",
}


async def refusal_of(authenticator: JwtAuthenticator, token: str | None) -> str:
    """The message of the refusal, which reveals nothing of the token, the keys or the server."""
    with pytest.raises(InvalidTokenError) as refused:
        await authenticator.authenticate(token)
    assert str(refused.value) in SENTENCES
    return str(refused.value)


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_an_invalid_token_is_refused_without_details(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, kind: str
) -> None:
    await refusal_of(authenticator, bad_token(kind, issuer, "ann"))


async def test_a_missing_token_is_refused_with_advice(authenticator: JwtAuthenticator) -> None:
    assert await refusal_of(authenticator, None) == "Send a bearer token."


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_valid_token_identifies_its_user_and_its_expiry(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, algorithm: str
) -> None:
    key = {"RS256": issuer.rsa, "ES256": issuer.ec}[algorithm]
    exp = int(time.time()) + 100
    identity = await authenticator.authenticate(issuer.token("auth0|ann é 漢", key=key, exp=exp))
    assert identity.user_id == "auth0|ann é 漢"
    assert identity.expires_at == datetime.fromtimestamp(exp, UTC)


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["another", AUDIENCE]])
async def test_a_token_may_have_several_audiences(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, audience: object
) -> None:
    assert (await authenticator.authenticate(issuer.token("ann", aud=audience))).user_id == "ann"


@pytest.mark.parametrize("claims", [{"nbf": 5}, {"iat": 5}, {"nbf": -100}, {"exp": -5}])
async def test_clocks_may_differ_by_a_few_seconds(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, claims: dict[str, int]
) -> None:
    shifted = {name: time.time() + seconds for name, seconds in claims.items()}
    assert (await authenticator.authenticate(issuer.sign({**claims_of(), **shifted}))).user_id == "ann"


@pytest.mark.parametrize(
    ("claim", "seconds", "words"),
    [("nbf", 13, "The token is not valid."), ("iat", 13, "The token is not valid."), ("exp", -11, EXPIRED)],
)
async def test_clocks_may_not_differ_by_more_than_ten_seconds(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, claim: str, seconds: int, words: str
) -> None:
    token = issuer.sign({**claims_of(), claim: time.time() + seconds})
    assert await refusal_of(authenticator, token) == words


@pytest.mark.parametrize("key", [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"}])
async def test_a_shared_secret_is_no_key_though_the_issuer_publishes_it(
    authenticator: JwtAuthenticator, issuer: TokenIssuer, key: dict[str, str]
) -> None:
    issuer.published.keys = [{**key, "kid": issuer.rsa.kid, "use": "sig"}]
    await refusal_of(authenticator, bad_token("HS256 with a known secret", issuer, "ann"))


async def test_a_key_for_encryption_signs_nothing(authenticator: JwtAuthenticator, issuer: TokenIssuer) -> None:
    issuer.published.keys = [{**issuer.rsa.jwk, "use": "enc"}, issuer.ec.jwk]
    await refusal_of(authenticator, issuer.token("ann"))


async def test_unusable_keys_do_not_affect_the_others(authenticator: JwtAuthenticator, issuer: TokenIssuer) -> None:
    odd = [{"kty": "LMS", "kid": "odd"}, {"kty": "oct", "k": "", "kid": "empty"}]
    issuer.published.keys = [*odd, issuer.rsa.jwk]
    assert (await authenticator.authenticate(issuer.token("ann"))).user_id == "ann"


async def test_concurrent_tokens_of_many_users_are_not_confused(
    authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> None:
    people = [f"user-{number}" for number in range(40)]
    tokens = [issuer.token(sub, key=issuer.ec) for sub in people]
    identities = await asyncio.gather(*map(authenticator.authenticate, tokens))
    assert [identity.user_id for identity in identities] == people
    assert issuer.published.fetches == 1


async def test_tokens_for_another_audience_of_the_same_issuer_are_refused(issuer: TokenIssuer) -> None:
    mine, theirs = (JwtAuthenticator(issuer.jwks_url, ISSUER, audience) for audience in ("mine", "theirs"))
    token = issuer.sign(claims_of("ann", aud="mine"))
    assert (await mine.authenticate(token)).user_id == "ann"
    await refusal_of(theirs, token)

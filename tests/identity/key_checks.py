"""Helpers of the tests of the issuer's keys."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from shared.identity import InvalidTokenError, KeysUnavailableError
from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.issuer import TokenIssuer, rsa_key

WAIT_SECONDS = 20.0
DAY_SECONDS = 24 * 3_600
NEW_KEY = rsa_key("rsa-2")


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


class Clock:
    """The clock by which keys grow old."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


async def judge(authenticator: JwtAuthenticator, token: str) -> str:
    """The result for a token of ann: good, invalid or unavailable."""
    try:
        return "good" if (await authenticator.authenticate(token)).user_id == "ann" else "of another user"
    except InvalidTokenError:
        return "invalid"
    except KeysUnavailableError:
        return "unavailable"


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.005)


async def until_judged(authenticator: JwtAuthenticator, token: str, verdict: str) -> None:
    async def is_judged() -> bool:
        return await judge(authenticator, token) == verdict

    await until(is_judged)


async def until_fetched(issuer: TokenIssuer, fetches: int) -> None:
    async def is_fetched() -> bool:
        return issuer.published.fetches >= fetches

    await until(is_fetched)

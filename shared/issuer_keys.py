"""Caches the public keys of a token issuer (JWKS, RFC 7517), also while the issuer is unavailable."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt

from shared.identity import KeysUnavailableError
from shared.jwks import JwksError, fetch_keys

logger = logging.getLogger(__name__)

# A withdrawn key stays valid for so long at most, while the issuer is available.
_REFRESH_SECONDS = 300.0
# While it is not, the known keys stay valid: an outage of the issuer does not sign users out.
_LONGEST_KEPT_SECONDS = 24 * 3600.0
# Anyone can send unknown key ids: they cause at most one fetch in so many seconds.
_PAUSE_SECONDS = 60.0
# After failures the pause grows from this to _PAUSE_SECONDS.
_FIRST_FAILURE_PAUSE_SECONDS = 5.0
_FETCH_SECONDS = 5.0
# How long a process that is frozen between requests waits for a refresh.
_FROZEN_WAIT_SECONDS = 1.0


class IssuerKeys:
    """The keys that an issuer publishes, by their ids.

    They are fetched when an unknown key is requested, and in the background when they are five minutes old: no request
    for a known key waits. Concurrent requests share one fetch, with a pause after each. Fetches have a thread of their
    own, so that a slow issuer does not block a shared one.

    Args:
        url: of the key set.
        is_frozen_between_requests: nothing runs in the background (a Lambda): a request that finds stale keys waits
            a second for new ones.
        monotonic: the clock for the age of keys, in seconds.
    """

    def __init__(
        self, url: str, *, is_frozen_between_requests: bool = False, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._is_frozen_between_requests = is_frozen_between_requests
        self._monotonic = monotonic
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -math.inf
        self._next_fetch_at = -math.inf
        self._failures = 0
        self._fetch_task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="issuer-keys")

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key with that id; None if the issuer does not publish it.

        Raises KeysUnavailableError if the keys cannot be fetched.
        """
        age = self._monotonic() - self._fetched_at
        if age > _LONGEST_KEPT_SECONDS:
            self._keys = {}
        if key_id not in self._keys:
            await self._fetch()
        elif age > _REFRESH_SECONDS:
            await self._refresh()
        if key_id not in self._keys and self._failures:
            raise KeysUnavailableError(math.ceil(self._next_fetch_at - self._monotonic()))
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        if (task := self._begin_fetch()) is not None:
            # A cancelled request must not cancel the shared fetch.
            await asyncio.shield(task)

    async def _refresh(self) -> None:
        is_under_way = self._fetch_task is not None
        task = self._begin_fetch()
        if task is not None and self._is_frozen_between_requests and not is_under_way:
            await asyncio.wait({task}, timeout=_FROZEN_WAIT_SECONDS)

    def _begin_fetch(self) -> "asyncio.Task[None] | None":
        """The running fetch, or a new one; None during the pause after a fetch."""
        if self._fetch_task is None and self._monotonic() >= self._next_fetch_at:
            self._fetch_task = asyncio.create_task(self._fetch_once())
        return self._fetch_task

    async def _fetch_once(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                self._keys = await loop.run_in_executor(self._thread, fetch_keys, self._url, _FETCH_SECONDS)
        except (JwksError, TimeoutError) as error:
            self._note_failure(str(error) or type(error).__name__)
        else:
            self._failures = 0
            self._fetched_at = self._monotonic()
            self._next_fetch_at = self._fetched_at + _PAUSE_SECONDS
        finally:
            self._fetch_task = None

    def _note_failure(self, reason: str) -> None:
        pause = min(_PAUSE_SECONDS, _FIRST_FAILURE_PAUSE_SECONDS * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._next_fetch_at = self._monotonic() + pause
        logger.warning(
            "The token issuer's keys cannot be fetched (%s); %s. Retrying in %s s",
            reason,
            f"{len(self._keys)} known keys stay valid" if self._keys else "no token can be checked",
            round(pause),
        )

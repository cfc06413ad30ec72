"""The public keys of a token issuer (JWKS, RFC 7517): fetched seldom, and kept while the issuer is away."""

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

# A key that the issuer withdraws is good for so long at most, while the issuer answers.
_REFRESH_SECONDS = 300.0
# While it does not, the known keys stay good: an outage of the issuer logs nobody out.
_LONGEST_KEPT_SECONDS = 24 * 3600.0
# Unknown key ids are for everybody to make up: they have the keys fetched so often at most.
_PAUSE_SECONDS = 60.0
# After failures the pause grows from this to _PAUSE_SECONDS.
_FIRST_FAILURE_PAUSE_SECONDS = 5.0
_FETCH_SECONDS = 5.0
# What a process that is frozen between requests gives a refresh before it goes on with the known keys.
_FROZEN_WAIT_SECONDS = 1.0


class IssuerKeys:
    """The keys that an issuer publishes, by their ids.

    They are fetched when one is asked for that is not known, and in the background once they are five minutes old: no
    request waits where the key is known. All who wait share one fetch, and after each there is a pause. A fetch has a
    thread of its own: an issuer that is slow holds none that others need.

    Args:
        url: where they are published.
        is_frozen_between_requests: nothing runs in the background (a Lambda): a request that finds the keys old
            waits a second for the new ones.
        monotonic: the clock by which keys grow old, in seconds.
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
        """The key of that id; None where the issuer publishes none.

        Raises KeysUnavailableError where that cannot be known, since the keys cannot be fetched.
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
            # A request that no longer waits must not cancel the fetch of the others.
            await asyncio.shield(task)

    async def _refresh(self) -> None:
        is_under_way = self._fetch_task is not None
        task = self._begin_fetch()
        if task is not None and self._is_frozen_between_requests and not is_under_way:
            await asyncio.wait({task}, timeout=_FROZEN_WAIT_SECONDS)

    def _begin_fetch(self) -> "asyncio.Task[None] | None":
        """The fetch that is under way, or a new one; None during the pause after one."""
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
            "The token issuer's keys cannot be fetched (%s); %s. The next try is in %s s",
            reason,
            f"{len(self._keys)} known keys stay good" if self._keys else "nobody can be identified",
            round(pause),
        )

"""A heartbeat survives failures of the store and the queue; an expiring lease, a fence or a cancel ends the work."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import cast

import pytest

from backend.app.domain.errors import TurnCancelRequestedError, TurnError, TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import TurnRef
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.heartbeat import Heartbeat
from backend.app.domain.turns.ports import HeartbeatResult, TurnStore
from tests.manual_time import ManualClock

TURN = TurnRef("m", "s", "p", 1, 1)
# Everything is due at every look.
LIVELY = Limits(cancel_check_seconds=0.001, heartbeat_seconds=0.001, lease_seconds=1000)
LOOKS = 5

Answer = Callable[[int], HeartbeatResult | Exception]


class Store:
    """Answers heartbeats as the test says, by their number."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.looks = 0
        self.leases: list[datetime | None] = []
        self.seen_often = asyncio.Event()
        self.extended_twice = asyncio.Event()

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        assert turn == TURN
        self.looks += 1
        self.leases.append(lease_until)
        if sum(lease is not None for lease in self.leases) == 2:
            self.extended_twice.set()
        if self.looks >= LOOKS:
            self.seen_often.set()
        answer = self._answer(self.looks)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Queue:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.extended: list[float] = []

    async def enqueue(self, notification: TurnNotification) -> None:
        raise AssertionError("a heartbeat never enqueues")

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        assert receipt_handle == "receipt-handle"
        self.extended.append(seconds)
        if self._error is not None:
            raise self._error


def heartbeat(store: Store, queue: Queue, clock: ManualClock, limits: Limits = LIVELY) -> Heartbeat:
    return Heartbeat(TURN, "receipt-handle", cast(TurnStore, store), queue, clock, limits)


def fine(_: int) -> HeartbeatResult:
    return HeartbeatResult(cancel_requested=False)


async def seen_often(store: Store) -> str:
    await store.seen_often.wait()
    return "done"


@pytest.mark.parametrize("error", [OSError("the network"), TimeoutError("a socket"), KeyError("x")])
async def test_work_goes_on_while_heartbeats_fail_and_come_back(clock: ManualClock, error: Exception) -> None:
    store, queue = Store(lambda look: fine(look) if look == LOOKS - 1 else error), Queue()
    async with asyncio.timeout(10):
        assert await heartbeat(store, queue, clock).keep_alive_during(seen_often(store)) == "done"
    assert store.looks >= LOOKS


async def test_work_goes_on_while_the_queue_fails_and_the_lease_is_extended_all_the_same(clock: ManualClock) -> None:
    store, queue = Store(fine), Queue(OSError("the queue is unavailable"))
    async with asyncio.timeout(10):
        assert await heartbeat(store, queue, clock).keep_alive_during(seen_often(store)) == "done"
    assert len([lease for lease in store.leases if lease is not None]) >= LOOKS - 1
    assert len(queue.extended) >= LOOKS - 1


async def test_an_extension_that_failed_is_made_at_the_next_look(clock: ManualClock) -> None:
    limits = LIVELY.model_copy(update={"heartbeat_seconds": 0.02})
    store = Store(lambda look: OSError("unavailable") if store.leases[-1] is not None and look < 1000 else fine(look))
    async with asyncio.timeout(10):
        await heartbeat(store, Queue(), clock, limits).keep_alive_during(_two_extensions(store))
    first = next(at for at, lease in enumerate(store.leases) if lease is not None)
    assert store.leases[first + 1] is not None


async def _two_extensions(store: Store) -> None:
    await store.extended_twice.wait()


@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "no answer"])
async def test_a_lease_that_cannot_be_extended_ends_the_attempt_which_may_be_begun_again(
    clock: ManualClock, hangs: bool
) -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    store = Store(lambda _: OSError("the store is unavailable"))
    if hangs:
        store.heartbeat = _hang  # type: ignore[method-assign]
    limits = LIVELY.model_copy(update={"lease_seconds": 0.05})
    async with asyncio.timeout(10):
        with pytest.raises(TurnError) as caught:
            await heartbeat(store, Queue(), clock, limits).keep_alive_during(work())
    assert (caught.value.code, caught.value.retryable) == ("lease_not_extended", True)
    assert cancelled.is_set()


async def _hang(turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (HeartbeatResult(cancel_requested=True), TurnCancelRequestedError),
        (TurnFencedError("another began"), TurnFencedError),
    ],
)
async def test_a_cancel_and_a_fence_are_heeded_after_failures(
    clock: ManualClock, answer: HeartbeatResult | Exception, raised: type[Exception]
) -> None:
    store = Store(lambda look: OSError("unavailable") if look < LOOKS else answer)
    async with asyncio.timeout(10):
        with pytest.raises(raised):
            await heartbeat(store, Queue(), clock).keep_alive_during(asyncio.Event().wait())
    assert store.looks == LOOKS


async def test_a_short_lease_is_extended_before_it_ends_however_rare_heartbeats_are(clock: ManualClock) -> None:
    limits = Limits(cancel_check_seconds=0.001, heartbeat_seconds=1000, lease_seconds=0.3)
    store = Store(fine)
    async with asyncio.timeout(10):
        await heartbeat(store, Queue(), clock, limits).keep_alive_during(_two_extensions(store))

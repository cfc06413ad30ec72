"""The expiry of a deadline is distinguished from every other timeout."""

import asyncio

import pytest

from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now


async def test_what_takes_longer_is_cancelled_when_the_deadline_has_come() -> None:
    endless = asyncio.get_running_loop().create_future()
    with pytest.raises(DeadlineExceededError):
        async with deadline(seconds_from_now(0)):
            await endless
    assert endless.cancelled()


@pytest.mark.parametrize("error", [TimeoutError("a socket's"), OSError("unavailable"), KeyError("x")])
async def test_a_failure_within_the_deadline_comes_out_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        async with deadline(seconds_from_now(1000)):
            raise error
    assert caught.value is error


async def test_what_is_done_in_time_goes_on() -> None:
    async with deadline(seconds_from_now(1000)):
        done = await asyncio.sleep(0, "done")
    assert done == "done"

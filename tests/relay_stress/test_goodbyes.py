"""Who left hears nothing more, and of clients that are gone, however that came about, the relay keeps nothing."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from shared.identity import Identity, LocalAuthenticator
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import TRANSPORTS, Crowd
from tests.relay_stress.endings import tasks_now, until_empty
from tests.relay_stress.javascript_crowd import JavascriptCrowd
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress


async def enter_all(crowd: Crowd, prefix: str = "") -> list[str]:
    """Two clients of each transport; their names."""
    names = [f"{prefix}{'+'.join(each)} {number}" for each in TRANSPORTS for number in range(2)]
    for name, transports in zip(names, [each for each in TRANSPORTS for _ in range(2)], strict=True):
        await crowd.enter(name, transports, PROJECT, {SESSION: 0})
    return names


async def settled_tasks(live: LiveRelay) -> Counter[str]:
    """The tasks of a relay that once had a client, and has none."""
    async with live.watcher():
        assert live.relay.connections == 1
    await until_empty(live)
    return tasks_now()


async def test_after_the_answer_to_unsubscribe_nothing_comes_and_what_came_before_is_whole(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream = Stream(live, rng)
        names = await enter_all(crowd)
        leaving = names[::2]
        heard: dict[str, int] = {}
        for name in leaving:
            stream.publish(rng.randint(1, 200))
            answer = await crowd.call(name, "unsubscribe", {"project_id": PROJECT})
            assert answer["ok"]
            heard[name] = (await crowd.report())[name].events
        stream.publish(1_000)
        for name in leaving:  # whatever was on its way before this answer has come before it
            assert (await crowd.call(name, "unsubscribe", {"project_id": PROJECT}))["ok"]
        told = await crowd.report()
        assert {name: told[name].events for name in leaving} == heard
        await crowd.until(lambda: crowd.who_heard(SESSION, stream.last) == 3, "those who stayed hear all")
        assert [report.mistakes for report in (await crowd.report()).values()] == [[]] * len(names)


async def test_nothing_is_left_of_clients_that_said_goodbye(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        names = await enter_all(crowd)
        stream.publish(100)
        for name in names:
            await crowd.close(name)
            stream.publish(10)
        await crowd.until(lambda: all(crowd.ended[name] for name in names), "all have ended")
        await until_empty(live, tasks)


async def test_nothing_is_left_of_clients_whose_process_was_killed_in_mid_stream(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """Those that poll are noticed by their silence."""
    async with live_relay(fast_path=fast_path, ping_seconds=1) as live:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        async with JavascriptCrowd(live.url) as crowd:
            await enter_all(crowd)
            stream.publish(500)
            await crowd.kill()
            stream.publish(500)
        await until_empty(live, tasks)


async def test_nothing_is_left_of_clients_that_fell_silent_with_their_connections_open(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path, ping_seconds=1) as live, JavascriptCrowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        await enter_all(crowd)
        crowd.freeze()
        stream.publish(100)
        await until_empty(live, tasks)
        await crowd.kill()


async def test_clients_end_with_their_token_and_nothing_is_left_of_them(
    new_crowd: NewCrowd, rng: Random, monkeypatch: pytest.MonkeyPatch, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        end = datetime.now(UTC) + timedelta(seconds=2)

        async def authenticate(_self: object, _token: str | None) -> Identity:
            return Identity("local", expires_at=end)

        monkeypatch.setattr(LocalAuthenticator, "authenticate", authenticate)
        names = await enter_all(crowd)
        stream.publish(100)
        await crowd.until_heard(SESSION, stream.last, len(names))
        assert datetime.now(UTC) < end, "The machine is too slow for this test"
        await crowd.until(lambda: all(crowd.ended[name] for name in names), "all tokens have ended")
        assert datetime.now(UTC) >= end
        await until_empty(live, tasks)

"""Unsubscribed clients receive nothing more, and closed clients leave nothing behind in the relay."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from shared.identity import Identity, LocalAuthenticator
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import TRANSPORTS, Crowd
from tests.relay_stress.javascript_crowd import JavascriptCrowd
from tests.relay_stress.leftovers import tasks_now, until_empty
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress


async def connect_all(crowd: Crowd, prefix: str = "") -> list[str]:
    """Connect two clients of each transport. Returns their names."""
    names = [f"{prefix}{'+'.join(each)} {number}" for each in TRANSPORTS for number in range(2)]
    for name, transports in zip(names, [each for each in TRANSPORTS for _ in range(2)], strict=True):
        await crowd.connect(name, transports, PROJECT, {SESSION: 0})
    return names


async def settled_tasks(live: LiveRelay) -> Counter[str]:
    """The tasks of a relay after its first client has disconnected."""
    async with live.watcher():
        assert live.relay.connections == 1
    await until_empty(live)
    return tasks_now()


async def test_after_unsubscribe_a_client_receives_nothing_and_earlier_events_are_complete(
    new_crowd: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream = Stream(live, rng)
        names = await connect_all(crowd)
        unsubscribed = names[::2]
        received: dict[str, int] = {}
        for name in unsubscribed:
            stream.publish(rng.randint(1, 200))
            answer = await crowd.call(name, "unsubscribe", {"project_id": PROJECT})
            assert answer["ok"]
            received[name] = (await crowd.report())[name].events
        stream.publish(1_000)
        for name in unsubscribed:  # events that were sent before this answer arrive before it
            assert (await crowd.call(name, "unsubscribe", {"project_id": PROJECT}))["ok"]
        reports = await crowd.report()
        assert {name: reports[name].events for name in unsubscribed} == received
        await crowd.until(lambda: crowd.count_received(SESSION, stream.last) == 3, "the others receive everything")
        assert [report.mistakes for report in (await crowd.report()).values()] == [[]] * len(names)


async def test_clients_that_disconnected_leave_nothing(new_crowd: NewCrowd, rng: Random, *, fast_path: bool) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        names = await connect_all(crowd)
        stream.publish(100)
        for name in names:
            await crowd.close(name)
            stream.publish(10)
        await crowd.until(lambda: all(crowd.ended[name] for name in names), "all have ended")
        await until_empty(live, tasks)


async def test_clients_whose_process_was_killed_leave_nothing(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """The ping timeout notices polling clients."""
    async with live_relay(fast_path=fast_path, ping_seconds=1) as live:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        async with JavascriptCrowd(live.url) as crowd:
            await connect_all(crowd)
            stream.publish(500)
            await crowd.kill()
            stream.publish(500)
        await until_empty(live, tasks)


async def test_silent_clients_with_open_connections_leave_nothing(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path, ping_seconds=1) as live, JavascriptCrowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        await connect_all(crowd)
        crowd.freeze()
        stream.publish(100)
        await until_empty(live, tasks)
        await crowd.kill()


async def test_clients_are_disconnected_when_their_token_expires_and_leave_nothing(
    new_crowd: NewCrowd, rng: Random, monkeypatch: pytest.MonkeyPatch, *, fast_path: bool
) -> None:
    async with live_relay(fast_path=fast_path) as live, new_crowd(live.url) as crowd:
        stream, tasks = Stream(live, rng), await settled_tasks(live)
        end = datetime.now(UTC) + timedelta(seconds=2)

        async def authenticate(_self: object, _token: str | None) -> Identity:
            return Identity("local", expires_at=end)

        monkeypatch.setattr(LocalAuthenticator, "authenticate", authenticate)
        names = await connect_all(crowd)
        stream.publish(100)
        await crowd.until_received(SESSION, stream.last, len(names))
        assert datetime.now(UTC) < end, "The machine is too slow for this test"
        await crowd.until(lambda: all(crowd.ended[name] for name in names), "all tokens have expired")
        assert datetime.now(UTC) >= end
        await until_empty(live, tasks)

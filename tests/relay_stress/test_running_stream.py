"""Clients of all transports join a running stream and reconnect: each receives every event once, in order."""

from random import Random

import pytest

from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import POLLING, UPGRADE, WEBSOCKET, Crowd
from tests.relay_stress.javascript_crowd import JavascriptCrowd
from tests.relay_stress.joining import Joining
from tests.relay_stress.leftovers import until_empty
from tests.relay_stress.python_crowd import PythonCrowd
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress

# Long enough for a busy machine, short enough to notice silent clients during the test.
_PING_SECONDS = 3


async def test_40_official_clients_that_join_a_running_stream_receive_each_event_once_and_in_order(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """50,000 events by the fast path, 10,000 by the slower default path.

    Some connections break in between, and a process with several clients is killed. All of them reconnect with their
    last numbers.
    """
    total = 50_000 if fast_path else 10_000
    async with live_relay(fast_path=fast_path, ping_seconds=_PING_SECONDS) as live:
        stream = Stream(live, rng)
        joining = Joining(stream, total, rng)
        permanent, killed, replacements = (JavascriptCrowd(live.url) for _ in range(3))
        async with permanent, killed, replacements:

            async def kill() -> None:
                await killed.until(lambda: len(killed.received) == 4, "all clients to be killed are subscribed")
                for name, last in killed.received.items():
                    joining.began[name] = last[SESSION]
                    await replacements.open(name, WEBSOCKET, PROJECT, last)
                await killed.kill()

            await permanent.connect("websocket", WEBSOCKET, PROJECT, {SESSION: 0})
            joining.began["websocket"] = 0
            actions = joining.arrivals(permanent, "stays", {WEBSOCKET: 8, UPGRADE: 18, POLLING: 9})
            actions += joining.arrivals(killed, "dies", {WEBSOCKET: 1, UPGRADE: 2, POLLING: 1})
            actions += joining.breaks(permanent, 12)
            actions.append((int(total * 0.97), kill))
            await stream.run(total, [permanent, killed, replacements], actions)
            await permanent.until_received(SESSION, total, 36)
            await replacements.until_received(SESSION, total, 4)
            joining.check(await permanent.report(), permanent)
            joining.check(await replacements.report(), replacements)
            await check_transports(permanent)
        await until_empty(live)
        check_path(live, fast_path=fast_path)


async def test_clients_of_python_socketio_receive_each_event_once_and_in_order(rng: Random, *, fast_path: bool) -> None:
    """Fewer events: each of these clients needs as much CPU time as the relay itself."""
    total = 3_000
    async with live_relay(fast_path=fast_path, ping_seconds=_PING_SECONDS) as live:
        stream = Stream(live, rng)
        joining = Joining(stream, total, rng)
        async with PythonCrowd(live.url) as crowd:
            await crowd.connect("websocket", WEBSOCKET, PROJECT, {SESSION: 0})
            joining.began["websocket"] = 0
            actions = joining.arrivals(crowd, "stays", {WEBSOCKET: 3, UPGRADE: 3, POLLING: 3})
            await stream.run(total, [crowd], actions + joining.breaks(crowd, 4))
            await crowd.until_received(SESSION, total, 10)
            joining.check(await crowd.report(), crowd)
            await check_transports(crowd)
        await until_empty(live)
        check_path(live, fast_path=fast_path)


async def check_transports(crowd: Crowd) -> None:
    """All upgrades took place, and polling clients still poll."""
    for name, report in (await crowd.report()).items():
        assert set(report.began) == {"polling" if "polling" in name else "websocket"}, name
        assert report.transport == ("websocket" if "websocket" in name else "polling"), name


def check_path(live: LiveRelay, *, fast_path: bool) -> None:
    """Events took the expected path, and only polling clients that had disconnected were dropped."""
    assert (live.metrics.flushes > 0) is fast_path
    assert set(live.metrics.drops) <= {"slow"}

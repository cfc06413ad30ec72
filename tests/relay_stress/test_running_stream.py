"""Clients of all transports join a running stream, lose their connections and come back: each event once, in order."""

from random import Random

import pytest

from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import POLLING, UPGRADE, WEBSOCKET, Crowd
from tests.relay_stress.endings import until_empty
from tests.relay_stress.javascript_crowd import JavascriptCrowd
from tests.relay_stress.joining import Joining
from tests.relay_stress.python_crowd import PythonCrowd
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress

# Long enough that no client is given up on a busy machine, short enough that those which fell silent are.
_PING_SECONDS = 3


async def test_40_official_clients_that_join_a_running_stream_hear_each_event_once_and_in_order(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """50,000 events by the fast path, 10,000 by the stock one, which takes so much longer for each.

    Some connections break on the way, and a whole process of clients is killed. All of them come back with what they
    have.
    """
    total = 50_000 if fast_path else 10_000
    async with live_relay(fast_path=fast_path, ping_seconds=_PING_SECONDS) as live:
        stream = Stream(live, rng)
        joining = Joining(stream, total, rng)
        stay, die, heirs = (JavascriptCrowd(live.url) for _ in range(3))
        async with stay, die, heirs:

            async def kill() -> None:
                await die.until(lambda: len(die.heard) == 4, "all who die listen")
                for name, last in die.heard.items():
                    joining.began[name] = last[SESSION]
                    await heirs.open(name, WEBSOCKET, PROJECT, last)
                await die.kill()

            await stay.enter("websocket", WEBSOCKET, PROJECT, {SESSION: 0})
            joining.began["websocket"] = 0
            deeds = joining.arrivals(stay, "stays", {WEBSOCKET: 8, UPGRADE: 18, POLLING: 9})
            deeds += joining.arrivals(die, "dies", {WEBSOCKET: 1, UPGRADE: 2, POLLING: 1})
            deeds += joining.breaks(stay, 12)
            deeds.append((int(total * 0.97), kill))
            await stream.run(total, [stay, die, heirs], deeds)
            await stay.until_heard(SESSION, total, 36)
            await heirs.until_heard(SESSION, total, 4)
            joining.check(await stay.report(), stay)
            joining.check(await heirs.report(), heirs)
            await check_transports(stay)
        await until_empty(live)
        check_path(live, fast_path=fast_path)


async def test_clients_of_python_socketio_hear_each_event_once_and_in_order(rng: Random, *, fast_path: bool) -> None:
    """A tenth of the events: each of these clients is as much work as the relay itself."""
    total = 3_000
    async with live_relay(fast_path=fast_path, ping_seconds=_PING_SECONDS) as live:
        stream = Stream(live, rng)
        joining = Joining(stream, total, rng)
        async with PythonCrowd(live.url) as crowd:
            await crowd.enter("websocket", WEBSOCKET, PROJECT, {SESSION: 0})
            joining.began["websocket"] = 0
            deeds = joining.arrivals(crowd, "stays", {WEBSOCKET: 3, UPGRADE: 3, POLLING: 3})
            await stream.run(total, [crowd], deeds + joining.breaks(crowd, 4))
            await crowd.until_heard(SESSION, total, 10)
            joining.check(await crowd.report(), crowd)
            await check_transports(crowd)
        await until_empty(live)
        check_path(live, fast_path=fast_path)


async def check_transports(crowd: Crowd) -> None:
    """The upgrades took place, and who was to poll polls."""
    for name, report in (await crowd.report()).items():
        assert set(report.began) == {"polling" if "polling" in name else "websocket"}, name
        assert report.transport == ("websocket" if "websocket" in name else "polling"), name


def check_path(live: LiveRelay, *, fast_path: bool) -> None:
    """Events were written as they were to be, and nobody was cut off but who had gone away while polling."""
    assert (live.metrics.flushes > 0) is fast_path
    assert set(live.metrics.drops) <= {"slow"}

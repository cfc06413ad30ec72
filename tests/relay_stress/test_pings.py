"""Clients of every transport answer the relay's pings under load, and stay connected."""

from random import Random
from typing import Any

import pytest

from tests.relay.live_relay import PROJECT, SESSION, live_relay
from tests.relay_stress.conftest import NewCrowd
from tests.relay_stress.crowd import POLLING, TRANSPORTS
from tests.relay_stress.stream import Stream

pytestmark = pytest.mark.relay_stress

# python-engineio sends its clients integers.
_PING_SECONDS = 1


async def test_official_clients_stay_connected_over_many_pings_under_load(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    cycles = 4
    async with live_relay(fast_path=fast_path, ping_seconds=_PING_SECONDS) as live, javascript(live.url) as crowd:
        stream = Stream(live, rng)
        for transports in TRANSPORTS:
            await crowd.connect("+".join(transports), transports, PROJECT, {SESSION: 0})
        while min(report.pings for report in (await crowd.report()).values()) < cycles:
            await stream.run(stream.last + 50, [crowd])
            await crowd.until_received(SESSION, stream.last, len(TRANSPORTS))
        for name, report in (await crowd.report()).items():
            assert report.ends == [], name
            assert report.mistakes == [], name
        assert not live.metrics.drops


async def test_a_polling_client_is_pinged_during_a_long_replay(
    javascript: NewCrowd, rng: Random, *, fast_path: bool
) -> None:
    """A ping behind the replay would be too late, and the client would reconnect again and again."""
    settings: dict[str, Any] = {"fast_path": fast_path, "max_client_bytes": 50_000_000}
    async with live_relay(ping_seconds=_PING_SECONDS, **settings) as live, javascript(live.url) as crowd:
        stream = Stream(live, rng)
        stream.publish(25_000)
        answer = await crowd.connect("slow", POLLING, PROJECT, {SESSION: 0})
        report = (await crowd.report())["slow"]
        assert answer["last_seq"] == report.last == {SESSION: stream.last}
        assert (report.ends, report.mistakes, report.joins) == ([], [], 1)
        assert report.pings > 1

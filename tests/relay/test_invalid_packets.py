"""Invalid packets end their connection with a reason, and nothing else."""

import asyncio
import time

import httpx
import pytest

from tests.relay.live_relay import PROJECT, live_relay
from tests.relay.malicious_client import open_polling, send_frames
from tests.relay.room_fixtures import WAIT_SECONDS

INVALID: dict[str, str | bytes] = {
    "nothing": "",
    "no packet": "hello",
    "an incomplete packet": "4",
    "no Socket.IO": "4hello",
    "JSON that is no packet": '4{"a":1}',
    "deep JSON that is no packet": "4" + "[" * 20_000,
    "an event without a name": "42[]",
    "an event of an object": '42{"a":1}',
    "an event named by a number": "42[1]",
    "a nesting of 40,000": '42["subscribe",' + "[" * 40_000 + "]" * 40_000 + "]",
    "an error": '44{"message":"no"}',
    "an acknowledgement without an id": "43[]",
    "an id of 200 digits": "42" + "1" * 200 + '["subscribe"]',
    "a binary event of a billion parts": "451000000000-[]",
    "a binary event of eleven parts": '4511-["subscribe"]',
    "a binary event without a part": '450-["subscribe"]',
    "a part without an event": b"\x00\x01",
    "no bytes": b"",
    "an opening": "0{}",
    "an unexpected probe": "2probe",
    "a noop": "6",
}


async def test_an_invalid_packet_ends_its_connection_with_a_reason_and_one_log_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with live_relay() as live, live.watcher() as watcher:
        await watcher.subscribe(PROJECT)
        for name, frame in INVALID.items():
            caplog.clear()
            assert await send_frames(live, frame) in [(1008, line) for line in logged_reasons(caplog)], name
            assert len(caplog.records) == 1, name
        assert "Traceback" not in caplog.text
        assert live.metrics.drops == {"malformed": len(INVALID)}
        live.publish()
        await watcher.wait_for("agent_iteration")
        assert live.relay.connections == 1


def logged_reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().removeprefix("A client was disconnected: ") for record in caplog.records]


@pytest.mark.parametrize(
    "frames",
    [('451-["subscribe",{"_placeholder":true,"num":0}]', "text"), ('451-["a",{"_placeholder":true,"num":9}]', b"x")],
    ids=["text", "a number too high"],
)
async def test_attachments_that_do_not_match_their_packet_end_the_connection(frames: tuple[str | bytes, ...]) -> None:
    async with live_relay() as live:
        code, reason = await send_frames(live, *frames)
        assert (code, reason[:9]) == (1008, "malformed")
        await live.until_empty()
        assert not live.relay.sio._binary_packet


@pytest.mark.parametrize(
    "body",
    ["x", "4", "42[]", '42["a"]\x1e' * 3, "b!", b"\xff\xfe", "x" * 200_000],
    ids=["no packet", "half", "no name", "an empty last", "no base64", "no UTF-8", "too long"],
)
async def test_an_invalid_packet_by_polling_is_refused_immediately_and_ends_its_connection(
    body: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        url = await open_polling(http)
        poll = asyncio.create_task(http.get(url))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        assert (await http.post(url, content=body)).status_code == 400
        await poll
        assert time.monotonic() - began < 2
        assert (await http.get(url)).status_code == 400
        await live.until_empty()
    assert "Traceback" not in caplog.text

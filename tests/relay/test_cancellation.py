"""A task that is cancelled ends as cancelled, whatever a connection was about to do."""

import asyncio

import pytest

from backend.relay.transport.websocket_wire import GuardedWebSocket
from tests.relay.live_relay import live_relay, until


class SilentWebSocket:
    """Nothing ever comes, and the end takes no time."""

    async def wait(self) -> str:
        await asyncio.Event().wait()
        return ""


async def begun(websocket: GuardedWebSocket) -> "asyncio.Task[str | bytes]":
    task = asyncio.create_task(websocket.wait())
    await until(lambda: websocket._users)
    return task


async def test_a_cancelled_poll_is_cancelled_and_not_a_client_with_nothing_to_get() -> None:
    async with live_relay() as live, live.watcher("polling"):
        (socket,) = live.relay.sio.eio.sockets.values()
        poll = asyncio.create_task(socket.poll())
        await asyncio.sleep(0)
        poll.cancel()
        await asyncio.wait({poll})
        assert poll.cancelled()


async def test_who_waits_for_a_connection_that_is_cut_is_told_so_and_is_not_cancelled() -> None:
    websocket = GuardedWebSocket(SilentWebSocket(), lambda _: None)
    task = await begun(websocket)
    websocket.cut()
    with pytest.raises(OSError, match="cut"):
        await task
    assert task.cancelling() == 0


async def test_who_is_cancelled_while_the_connection_is_cut_is_cancelled() -> None:
    websocket = GuardedWebSocket(SilentWebSocket(), lambda _: None)
    task = await begun(websocket)
    task.cancel()
    websocket.cut()
    await asyncio.wait({task})
    assert task.cancelled()

"""A cancelled task ends as cancelled, in every state of its connection."""

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


async def test_a_cancelled_poll_is_cancelled_and_no_empty_queue() -> None:
    async with live_relay() as live, live.watcher("polling"):
        (socket,) = live.relay.sio.eio.sockets.values()
        poll = asyncio.create_task(socket.poll())
        await asyncio.sleep(0)
        poll.cancel()
        await asyncio.wait({poll})
        assert poll.cancelled()


async def test_a_task_that_waits_for_a_cut_connection_gets_an_error_and_is_not_cancelled() -> None:
    websocket = GuardedWebSocket(SilentWebSocket(), lambda _: None)
    task = await begun(websocket)
    websocket.cut()
    with pytest.raises(OSError, match="cut"):
        await task
    assert task.cancelling() == 0


async def test_a_task_that_is_cancelled_while_its_connection_is_cut_is_cancelled() -> None:
    websocket = GuardedWebSocket(SilentWebSocket(), lambda _: None)
    task = await begun(websocket)
    task.cancel()
    websocket.cut()
    await asyncio.wait({task})
    assert task.cancelled()

"""Between python-engineio and the server's WebSocket."""

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.frames import Frame, Opcode

from backend.relay.transport.event_frames import text_frame


def frame_of(message: str | bytes) -> bytes:
    """A WebSocket frame of a server, not compressed."""
    if isinstance(message, str):
        return text_frame(message.encode())
    return Frame(Opcode.BINARY, message).serialize(mask=False)


class GuardedWebSocket:
    """python-engineio's wrapper of an ASGI WebSocket, with checks of all that is received.

    Args:
        websocket: the wrapper.
        check: called with each message; raises OSError to end the connection.
    """

    def __init__(self, websocket: Any, check: Callable[[str | bytes], None]) -> None:
        self._websocket = websocket
        self._check = check
        self._is_cut = False
        self._users: set[asyncio.Task[Any]] = set()

    async def wait(self) -> str | bytes:
        """The next message. Raises OSError at the end, and for an invalid message."""
        message: str | bytes = await self._in_use(self._websocket.wait())
        self._check(message)
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the client does not read. Raises OSError once it was cut."""
        await self._in_use(self._websocket.send(message))

    async def close(self) -> None:
        """Close with a close frame."""
        if not self._is_cut:
            await self._in_use(self._websocket.close())

    def cut(self) -> None:
        """Cancel all sends and receives: for servers whose transport is not accessible."""
        self._is_cut = True
        for user in self._users:
            user.cancel()

    async def _in_use(self, work: Any) -> Any:
        task = self._register(work)
        try:
            return await work
        except asyncio.CancelledError:
            # cut() requested one cancellation; any other one cancels the task, not the connection.
            if self._is_cut and task.uncancel() == 0:
                raise OSError("The connection was cut") from None
            raise
        finally:
            self._users.discard(task)

    def _register(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.current_task()
        if self._is_cut or task is None:
            work.close()
            raise OSError("The connection was cut")
        self._users.add(task)
        return task

"""What stands between python-engineio and the server's WebSocket."""

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.frames import Frame, Opcode

from backend.relay.rooms.encoding import text_frame


def frame_of(message: str | bytes) -> bytes:
    """A WebSocket frame of a server, not compressed."""
    if isinstance(message, str):
        return text_frame(message.encode())
    return Frame(Opcode.BINARY, message).serialize(mask=False)


class GuardedWebSocket:
    """python-engineio's wrapper of an ASGI WebSocket, with a look at all that comes in.

    Args:
        websocket: the wrapper.
        check: looks at each message; raises OSError to end the connection.
    """

    def __init__(self, websocket: Any, check: Callable[[str | bytes], None]) -> None:
        self._websocket = websocket
        self._check = check
        self._is_cut = False
        self._users: set[asyncio.Task[Any]] = set()

    async def wait(self) -> str | bytes:
        """The next message. Raises OSError at the end, and where a message must not come in."""
        message: str | bytes = await self._in_use(self._websocket.wait())
        self._check(message)
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the client does not read. Raises OSError once it was cut."""
        await self._in_use(self._websocket.send(message))

    async def close(self) -> None:
        """Say goodbye."""
        if not self._is_cut:
            await self._in_use(self._websocket.close())

    def cut(self) -> None:
        """End whatever waits for the client: for servers whose transport is out of reach."""
        self._is_cut = True
        for user in self._users:
            user.cancel()

    async def _in_use(self, work: Any) -> Any:
        task = self._begin_to_use(work)
        try:
            return await work
        except asyncio.CancelledError:
            # cut() asked for one; any other request to cancel means the task, and not the connection.
            if self._is_cut and task.uncancel() == 0:
                raise OSError("The connection was cut") from None
            raise
        finally:
            self._users.discard(task)

    def _begin_to_use(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.current_task()
        if self._is_cut or task is None:
            work.close()
            raise OSError("The connection was cut")
        self._users.add(task)
        return task

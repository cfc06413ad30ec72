"""uvicorn's HTTP protocol, bounded: a request that does not come, or does not end, ends its connection.

What is overridden of uvicorn here is guarded by tests/relay/test_fuzz_findings.py.
"""

import asyncio
from typing import cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from backend.relay.problems import problem_response

# The first line and the headers; a load balancer sends less.
_MOST_HEAD_BYTES = 65_536
# How the connection is found in an ASGI scope's extensions, under "transport".
HTTP_EXTENSION = "vibewire.http"


class RelayHttpProtocol(HttpToolsProtocol):
    """An HTTP connection whose client can neither fill this process's memory nor keep it waiting.

    Attributes:
        request_seconds: how long a request may take to come in whole, from its first byte, or from the connection on.
    """

    request_seconds = 20.0
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_head = False
    # Whether the request that is coming in is one that is or will be answered.
    _has_cycle = False
    _running: RequestResponseCycle | None = None
    # What the connection ends with, once the requests before are answered.
    _last_words: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_waiting()
        self._unset_keepalive_if_required()  # uvicorn's own keeps a connection that was reset, with all that it holds
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._last_words is not None:
            return  # what follows a request that is none is no request either
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if self._deadline is None and (cycle is None or cycle.response_complete):
            self._await_request()  # uvicorn's own timer ends with any byte, be it of a request or not
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._is_in_head else 0
        if self._head_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._deadline is None:
            self._await_request()
        self._is_in_head = True
        super().on_message_begin()
        self.scope["extensions"] = {HTTP_EXTENSION: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._is_in_head = False
        cycle = self.cycle
        super().on_headers_complete()
        self._has_cycle = self.cycle is not cycle

    def on_message_complete(self) -> None:
        """It is here whole."""
        self._has_cycle = False
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """It asks for a WebSocket, which is another protocol's concern."""
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """A request was answered."""
        super().on_response_complete()
        if self._last_words is not None and not self._is_answering:
            self._end()

    def send_400_response(self, msg: str) -> None:
        """What came is no request: say so, after the answers to those that came before it, and close."""
        refusal = problem_response(400, "malformed_request", msg)
        if self._is_waited_for and self.cycle.response_started:
            refusal = b""  # it would be taken for a part of the answer
        self._end_after_answers(refusal)

    @property
    def _is_waited_for(self) -> bool:
        """Whether the request that is coming in is being answered already: the application waits for its body."""
        return self._has_cycle and not self.pipeline

    @property
    def _is_answering(self) -> bool:
        return bool(self.pipeline) or (self._running is not None and not self._running.response_complete)

    def _end_after_answers(self, last_words: bytes) -> None:
        is_waited_for = self._is_waited_for
        if self._has_cycle and not is_waited_for:
            self.pipeline.popleft()  # it is the newest
        self._last_words = last_words
        if is_waited_for or not self._is_answering:
            self._end()

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._last_words or b"")
            self.transport.close()

    def _give_up(self) -> None:
        if self._is_waited_for or not self._is_answering:
            self.transport.abort()
        else:
            self._end_after_answers(b"")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(self.request_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

"""uvicorn's HTTP protocol with a limit to the time and the size of requests.

tests/relay/test_fuzz_findings.py guards what is overridden here.
"""

import asyncio
from typing import cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from backend.relay.problems import problem_response

# The first line and the headers; a load balancer sends less.
_MOST_HEAD_BYTES = 65_536
# The ASGI extension that holds the connection, under "transport".
HTTP_EXTENSION = "vibewire.http"


class RelayHttpProtocol(HttpToolsProtocol):
    """An HTTP connection with limits to what its client can make the process hold or wait for.

    Attributes:
        request_seconds: how long a request may take to arrive, from its first byte or from the connection on.
    """

    request_seconds = 20.0
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_head = False
    # Whether the incoming request is or will be answered.
    _has_cycle = False
    _running: RequestResponseCycle | None = None
    # The refusal that ends the connection, once earlier requests are answered.
    _final_response: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_waiting()
        self._unset_keepalive_if_required()  # uvicorn keeps a reset connection in memory otherwise
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._final_response is not None:
            return  # nothing after a malformed request is parsed
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if self._deadline is None and (cycle is None or cycle.response_complete):
            self._await_request()  # uvicorn's own timer ends with any byte, of a request or not
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._is_in_head else 0
        if self._head_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Handle the start of a request."""
        if self._deadline is None:
            self._await_request()
        self._is_in_head = True
        super().on_message_begin()
        self.scope["extensions"] = {HTTP_EXTENSION: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        """Handle the end of the request's head."""
        self._is_in_head = False
        cycle = self.cycle
        super().on_headers_complete()
        self._has_cycle = self.cycle is not cycle

    def on_message_complete(self) -> None:
        """Handle the end of the request."""
        self._has_cycle = False
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the WebSocket protocol."""
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """Handle the end of a response."""
        super().on_response_complete()
        if self._final_response is not None and not self._is_answering:
            self._end()

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed request, after the responses to earlier ones, and close."""
        refusal = problem_response(400, "malformed_request", msg)
        if self._is_waited_for and self.cycle.response_started:
            refusal = b""  # it would be taken for a part of that response
        self._end_after_answers(refusal)

    @property
    def _is_waited_for(self) -> bool:
        """Whether the incoming request is already being answered: the application waits for its body."""
        return self._has_cycle and not self.pipeline

    @property
    def _is_answering(self) -> bool:
        return bool(self.pipeline) or (self._running is not None and not self._running.response_complete)

    def _end_after_answers(self, final_response: bytes) -> None:
        is_waited_for = self._is_waited_for
        if self._has_cycle and not is_waited_for:
            self.pipeline.popleft()  # it is the newest
        self._final_response = final_response
        if is_waited_for or not self._is_answering:
            self._end()

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._final_response or b"")
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

"""The endpoint of the model: reads a call, asks the demo model, and sends its answer or the planned fault."""

import json
from collections import deque
from collections.abc import Iterator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from backend.app.adapters.process_offloader import ProcessOffloader
from backend.local.demo_model.answer import answer
from backend.local.demo_model.response import Json, encode_event
from backend.local.demo_model.review import is_review
from backend.local.demo_model.server import MAX_BYTES_INLINE
from tests.model_server.connection import Connection
from tests.model_server.fault import Fault, FaultPlan
from tests.model_server.faulty_answer import Break, faulty_events, faulty_reply, faulty_stream, raw_body
from tests.model_server.request import BadRequestError, read_request, status_error

_KEPT_REQUESTS = 50


class ModelState:
    """What the model was asked, which faults are planned, and the pause between two pieces of an answer."""

    def __init__(self, pace_seconds: float) -> None:
        self.pace_seconds = pace_seconds
        self.faults = FaultPlan()
        self.offloader = ProcessOffloader()
        self.last_request: Json | None = None
        self._numbers = {"calls": 0, "served": 0, "faults": 0, "tokens": 0}
        self._requests: deque[Json] = deque(maxlen=_KEPT_REQUESTS)

    def counts(self) -> Json:
        """What was served so far.

        Well-formed `calls`, `served` (completed) responses, `faults` (calls that one hit), `tokens` of all responses
        that gave their usage, and the last `requests`.
        """
        return {**self._numbers, "requests": list(self._requests)}

    def begin(self, body: Json) -> Fault | None:
        """Count a call. Returns the fault that hits it, if any."""
        agent = "evaluator" if is_review(body) else "vibecoder"
        given = body["input"]
        items = 1 if isinstance(given, str) else len(given)
        self.last_request = body
        self._requests.append({"agent": agent, "items": items, "stream": bool(body.get("stream"))})
        fault = self.faults.next_fault(agent)
        self._numbers["calls"] += 1
        self._numbers["faults"] += fault is not None
        return fault

    def end(self, response: Json) -> None:
        """Count a response, just before its end is sent."""
        self._numbers["served"] += response["status"] == "completed"
        self._numbers["tokens"] += (response["usage"] or {}).get("total_tokens", 0)


class ModelCalls:
    """The ASGI application behind `POST /v1/responses`."""

    def __init__(self, state: ModelState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        try:
            raw = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        async with Connection(scope, receive, send) as connection:
            try:
                body = read_request(raw)
            except BadRequestError as error:
                await connection.answer(400, error.body)
                return
            await self._serve(connection, len(raw), body, self._state.begin(body))

    async def _serve(self, connection: Connection, size: int, body: Json, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault is not None and kind == "status":
            headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            await connection.answer(fault.status, status_error(fault.status, fault.code), headers)
            return
        if fault is not None and kind == "cut_before":
            if fault.after_headers:
                await connection.start(200, "text/event-stream; charset=utf-8")
            await connection.cut()
            return
        if fault is not None and kind == "raw":
            await self._send_raw(connection, fault)
            return
        # Large code is parsed several times over; the model may share its event loop with a server.
        reply = answer(body) if size <= MAX_BYTES_INLINE else await self._state.offloader.run(answer, body)
        if fault is not None:
            reply = faulty_reply(fault, reply, body)
        events = faulty_events(body, reply, kind)
        if body.get("stream"):
            await self._stream(connection, faulty_stream(events, kind))
            return
        *_, last = events
        await self._send_complete(connection, last["response"], kind)

    async def _send_raw(self, connection: Connection, fault: Fault) -> None:
        await connection.start(fault.status, fault.content_type, fault.headers)
        body = raw_body(fault)
        for _ in range(fault.repeat):
            await connection.write(body)
            if not await connection.pause(0):
                return
        await (connection.cut() if fault.cut else connection.finish())

    async def _stream(self, connection: Connection, steps: Iterator[Json | bytes | Break]) -> None:
        await connection.start(200, "text/event-stream; charset=utf-8", {"cache-control": "no-cache"})
        for step in steps:
            if isinstance(step, Break):
                await (connection.cut() if step is Break.CUT else connection.stall())
                return
            if isinstance(step, bytes):
                await connection.write(step)
                continue
            if step.get("response", {}).get("usage"):
                self._state.end(step["response"])
            await connection.write(encode_event(step))
            if step["type"].endswith(".delta") and not await connection.pause(self._state.pace_seconds):
                return
        await connection.finish()

    async def _send_complete(self, connection: Connection, response: Json, kind: str | None) -> None:
        """Send a response that is not streamed; faults of a stream hit it in their own way."""
        if kind == "stall":
            await connection.stall()
        elif kind == "error_event":
            await connection.answer(500, status_error(500))
        elif kind in ("cut_mid_stream", "clean_eof", "malformed_json"):
            data = json.dumps(response).encode()
            await connection.start(200, "application/json")
            await connection.write(data[: len(data) // 2])
            await (connection.cut() if kind == "cut_mid_stream" else connection.finish())
        else:
            self._state.end(response)
            await connection.answer(200, response)

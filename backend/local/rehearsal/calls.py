"""The endpoint of the model: reads a call, asks the rules, and sends the answer or the planned fault."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from backend.app.adapters.process_offloader import ProcessOffloader
from backend.local.rehearsal.faults import Fault, FaultBook
from backend.local.rehearsal.faulty_answer import Break, ending_of, faulty_reply, faulty_stream, raw_body
from backend.local.rehearsal.reply import Json
from backend.local.rehearsal.request import BadRequestError, read_request, status_error
from backend.local.rehearsal.review import is_review
from backend.local.rehearsal.rules import answer, answer_json
from backend.local.rehearsal.stream import encode_event, stream_events
from backend.local.rehearsal.wire import Wire

_KEPT_REQUESTS = 50
# What the rules answer in a few milliseconds; without the code, a request has some 6,000.
_MOST_BYTES_AT_ONCE = 16_384


class RehearsalState:
    """What the model was asked, and which faults are planned.

    Args:
        pace_seconds: How long to wait between two pieces of a streamed answer.
    """

    def __init__(self, pace_seconds: float) -> None:
        self.pace_seconds = pace_seconds
        self.faults = FaultBook()
        self.offloader = ProcessOffloader()
        self.last_request: Json | None = None
        self._numbers = {"calls": 0, "served": 0, "faults": 0, "tokens": 0}
        self._requests: deque[Json] = deque(maxlen=_KEPT_REQUESTS)

    def counts(self) -> Json:
        """Tell what was served so far.

        Returns:
            `calls` (well-formed ones), `served` (completed responses), `faults` (calls that one hit),
            `tokens` (of all responses that told their usage) and the last `requests`.
        """
        return {**self._numbers, "requests": list(self._requests)}

    def begin(self, body: Json) -> Fault | None:
        """Count a call.

        Args:
            body: Its body.

        Returns:
            The fault that hits it, if any.
        """
        agent = "evaluator" if is_review(body) else "vibecoder"
        given = body["input"]
        items = 1 if isinstance(given, str) else len(given)
        self.last_request = body
        self._requests.append({"agent": agent, "items": items, "stream": bool(body.get("stream"))})
        fault = self.faults.take(agent)
        self._numbers["calls"] += 1
        self._numbers["faults"] += fault is not None
        return fault

    def end(self, response: Json) -> None:
        """Count a response, just before its end is sent.

        Args:
            response: The Response object.
        """
        self._numbers["served"] += response["status"] == "completed"
        self._numbers["tokens"] += (response["usage"] or {}).get("total_tokens", 0)


class ModelCalls:
    """The ASGI application behind `POST /v1/responses`.

    Args:
        state: Where calls are counted.
    """

    def __init__(self, state: RehearsalState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        try:
            raw = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        async with Wire(scope, receive, send) as wire:
            try:
                body = read_request(raw)
            except BadRequestError as error:
                await wire.answer(400, error.body)
                return
            await self._serve(wire, raw, body, self._state.begin(body))

    async def _serve(self, wire: Wire, raw: bytes, body: Json, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault is not None and kind == "status":
            headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            await wire.answer(fault.status, status_error(fault.status, fault.code), headers)
            return
        if fault is not None and kind == "cut_before":
            if fault.after_headers:
                await wire.start(200, "text/event-stream; charset=utf-8")
            await wire.cut()
            return
        if fault is not None and kind == "raw":
            await self._send_raw(wire, fault)
            return
        # The rules parse the whole code, several times over; the model may share its event loop with a server.
        at_once = len(raw) <= _MOST_BYTES_AT_ONCE
        reply = answer(body) if at_once else await self._state.offloader.run(answer_json, raw)
        if fault is not None:
            reply = faulty_reply(fault, reply, body)
        events = stream_events(body, reply, ending_of(fault))
        if body.get("stream"):
            await self._stream(wire, faulty_stream(events, kind))
            return
        *_, last = events
        await self._send_whole(wire, last["response"], kind)

    async def _send_raw(self, wire: Wire, fault: Fault) -> None:
        await wire.start(fault.status, fault.content_type, fault.headers)
        body = raw_body(fault)
        for _ in range(fault.repeat):
            await wire.write(body)
            if not await wire.pause(0):
                return
        await (wire.cut() if fault.cut else wire.finish())

    async def _stream(self, wire: Wire, steps: Iterator[Json | bytes | Break]) -> None:
        await wire.start(200, "text/event-stream; charset=utf-8", {"cache-control": "no-cache"})
        for step in steps:
            if isinstance(step, Break):
                await (wire.cut() if step is Break.CUT else wire.stall())
                return
            if isinstance(step, bytes):
                await wire.write(step)
                continue
            if step.get("response", {}).get("usage"):
                self._state.end(step["response"])
            await wire.write(encode_event(step))
            if step["type"].endswith(".delta") and not await wire.pause(self._state.pace_seconds):
                return
        await wire.finish()

    async def _send_whole(self, wire: Wire, response: Json, kind: str | None) -> None:
        """Send a response that is not streamed; faults of a stream hit it in their own way."""
        if kind == "stall":
            await wire.stall()
        elif kind == "error_event":
            await wire.answer(500, status_error(500))
        elif kind in ("cut_mid_stream", "clean_eof", "malformed_json"):
            data = json.dumps(response).encode()
            await wire.start(200, "application/json")
            await wire.write(data[: len(data) // 2])
            await (wire.cut() if kind == "cut_mid_stream" else wire.finish())
        else:
            self._state.end(response)
            await wire.answer(200, response)

"""The body of a response of the model's server, decoded, checked and encoded again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import httpx2

from backend.app.domain.storable_text import read_json, storable_json
from backend.app.programs.models.event_stream import EventStreamDecoder, EventTooLargeError
from backend.app.programs.models.item_shape import Json, require_few_items
from backend.app.programs.models.model_failures import ModelSilentError, OtherApiError, UnreadableAnswerError
from backend.app.programs.models.other_apis import other_api, other_api_of_lines
from backend.app.programs.models.redaction import redact, without_secrets
from backend.app.programs.models.response_shape import ending_of, shaped_event, shaped_response

# Far above the longest responses of a model; the last event of a response repeats all of it.
_MAX_EVENT_BYTES = 32 * 1024 * 1024
_MAX_RESPONSE_BYTES = 128 * 1024 * 1024
# The most that is read of a response that is not an event stream.
_MAX_PLAIN_BYTES = 4 * 1024 * 1024
# How long to wait for the end of the stream after the last event, so that the connection can be reused.
_END_SECONDS = 0.25
_LAST_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
# The events before the model's first output.
_PRELUDE = frozenset({"response.created", "response.queued", "response.in_progress"})


class ModelEvents(httpx2.AsyncByteStream):
    """The body of a response, as events of the Responses API in their documented shape.

    Args:
        response: the response, whose body was not read yet.
        first_token_seconds: see ModelHttpClient.
        silence_seconds: see ModelHttpClient.
        secrets: see ModelHttpClient.
    """

    def __init__(
        self,
        response: httpx2.Response,
        first_token_seconds: float,
        silence_seconds: float,
        secrets: Sequence[str] = (),
    ) -> None:
        self._response = response
        self._timeout = first_token_seconds
        self._silence_seconds = silence_seconds
        self._secrets = secrets
        self._has_output = False
        self._items = 0
        # Whether any event belonged to the Responses API.
        self._is_known = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events, encoded. Raises UnreadableAnswerError, OtherApiError, ModelSilentError, httpx2.HTTPError."""
        async with aclosing(self._response.aiter_bytes()) as pieces:
            async for event in self._events(pieces):
                # Encoded again: the server's JSON could hide a key behind escaped letters.
                data = without_secrets(json.dumps(event, separators=(",", ":")), self._secrets)
                yield b"data: " + data.encode() + b"\n\n"
                if event["type"] in _LAST_EVENTS:
                    await _drain(pieces)
                    return
        if not self._is_known:
            raise UnreadableAnswerError("none of its events belongs to the Responses API")

    async def aclose(self) -> None:
        """Close the connection, or return it to the pool where all was read."""
        await self._response.aclose()

    async def _events(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Json]:
        decoder = EventStreamDecoder(_MAX_EVENT_BYTES)
        beginning: bytearray | None = bytearray()
        size = 0
        while piece := await self._next(pieces):
            size += len(piece)
            if size > _MAX_RESPONSE_BYTES:
                raise UnreadableAnswerError("it is too long")
            if beginning is not None and len(beginning) < _MAX_PLAIN_BYTES:
                beginning += piece
            try:
                for sent in decoder.feed(piece):
                    beginning = None
                    if sent.data.startswith("[DONE]"):
                        return
                    if (event := self._read(sent.data, sent.name)) is not None:
                        yield event
            except EventTooLargeError as error:
                raise UnreadableAnswerError("one of its events is too long") from error
        if beginning is not None:
            yield self._plain_response(bytes(beginning))

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes:
        """The next piece that is not empty; an empty one at the end."""
        try:
            async with asyncio.timeout(self._timeout):
                while not (piece := await anext(pieces, None)):
                    if piece is None:
                        return b""
                return piece
        except TimeoutError as error:
            raise ModelSilentError(self._timeout, answering=self._has_output) from error
        except httpx2.DecodingError as error:
            raise UnreadableAnswerError("its compression is broken") from error

    def _read(self, data: str, name: str) -> Json | None:
        if not data.strip():
            return None
        try:
            value = read_json(data)
            event = shaped_event(value if _is_delta(value) else storable_json(value), name)
        except ValueError as error:
            raise UnreadableAnswerError("one of its events is not JSON, or is nested too deeply") from error
        if event is None:
            if not self._is_known and (api := other_api(value, name)) is not None:
                raise OtherApiError(api)
            return None
        self._is_known = True
        if event["type"] == "response.output_item.done":
            self._items += 1
            require_few_items(self._items)
        if event["type"] not in _PRELUDE:
            self._has_output, self._timeout = True, self._silence_seconds
        return self._redacted(event)

    def _redacted(self, event: Json) -> Json:
        """Redact the server's message in an error event."""
        if event["type"] == "error":
            return {**event, "message": redact(event["message"], self._secrets)}
        if event["type"] == "response.failed" and (error := event["response"]["error"]) is not None:
            kept = {"code": error["code"], "message": redact(error["message"], self._secrets)}
            return {**event, "response": {**event["response"], "error": kept}}
        return event

    def _plain_response(self, body: bytes) -> Json:
        """The event for a body that is not a stream but one JSON value: a response, or an error."""
        if not body.strip():
            raise UnreadableAnswerError("it is empty")
        text = body.decode(errors="replace")
        try:
            value = storable_json(read_json(text))
        except ValueError as error:
            if (api := other_api_of_lines(text)) is not None:
                raise OtherApiError(api) from error
            raise UnreadableAnswerError("it is not a stream of events") from error
        if isinstance(value, dict) and value.get("object") == "response" and not value.get("error"):
            return {"type": f"response.{ending_of(value)}", "sequence_number": 0, "response": shaped_response(value)}
        event = shaped_event(value)
        if event is None or event["type"] != "error":
            if (api := other_api(value)) is not None:
                raise OtherApiError(api)
            raise UnreadableAnswerError("it is not a stream of events")
        return self._redacted(event)


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(_END_SECONDS):
            async for _ in pieces:
                pass
    except (TimeoutError, httpx2.HTTPError):
        pass  # the last event was read


def _is_delta(value: Any) -> bool:
    # Half of a surrogate pair at its end may be completed by the next delta: see TextStream.
    return isinstance(value, dict) and str(value.get("type")).endswith(".delta")

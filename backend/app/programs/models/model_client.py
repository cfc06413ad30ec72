"""The HTTP client for the model's server: whatever that sends, the code behind it reads bounded, well-formed events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import openai

from backend.app.domain.storable_text import read_json, storable_json
from backend.app.programs.models.event_stream import EventStreamDecoder, EventTooLargeError
from backend.app.programs.models.model_errors import retry_after
from backend.app.programs.models.model_failures import ModelSilentError, OtherApiError, UnreadableAnswerError
from backend.app.programs.models.other_apis import other_api, other_api_of_lines
from backend.app.programs.models.redaction import redact, without_secrets
from backend.app.programs.models.response_shape import Json, ending_of, require_few_items, shaped_event, shaped_response

# The longest answers that a model gives are well below; the last event of an answer holds all of it once more.
_MAX_EVENT_BYTES = 32 * 1024 * 1024
_MAX_ANSWER_BYTES = 128 * 1024 * 1024
# Of an answer that is no stream of events, and of an error, no more is read.
_MAX_WHOLE_BYTES = 4 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
# How long the end of the stream is waited for once the last event is there, so that the connection can be used again.
_END_SECONDS = 0.25
_LAST_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
# What a server sends before its model has said anything.
_PRELUDE = frozenset({"response.created", "response.queued", "response.in_progress"})
# Where a request carries its key, and how many keys are known: they change now and then.
_KEY_HEADERS = ("authorization", "api-key", "x-api-key")
_MOST_SECRETS = 8

Secrets = Callable[[], Sequence[str]]


class ModelHttpClient(openai.DefaultAsyncHttpxClient):
    """An HTTP client that gives the `openai` client readable streams.

    Args:
        first_token_seconds: how long the server may be silent before its model begins to answer.
        silence_seconds: how long it may be silent afterwards.
        options: of the client, such as `timeout`.
    """

    def __init__(self, *, first_token_seconds: float, silence_seconds: float, **options: Any) -> None:
        # The conversation and the key go to the server that the settings name, and to no other.
        super().__init__(follow_redirects=False, **options)
        self._first_token_seconds = first_token_seconds
        self._silence_seconds = silence_seconds
        self._secrets: dict[str, None] = {}

    def secrets(self) -> tuple[str, ...]:
        """The keys that requests were sent with last: what must not be repeated from the server's words."""
        return tuple(self._secrets)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request. Raises httpx2.HTTPError, ModelSilentError."""
        self._note_secrets(request)
        try:
            async with asyncio.timeout(self._first_token_seconds):
                response = await super().send(request, **options)
        except TimeoutError as error:
            raise ModelSilentError(self._first_token_seconds, answering=False) from error
        if response.is_closed:  # read already: no stream was asked for
            return response
        if not response.is_success:
            return await self._bounded_error(response)
        events = ModelEvents(response, self._first_token_seconds, self._silence_seconds, self.secrets())
        return _replaced(response, stream=events)

    def _note_secrets(self, request: httpx2.Request) -> None:
        found = [request.headers[name].rpartition(" ")[2] for name in _KEY_HEADERS if name in request.headers]
        for secret in [*found, request.url.password]:
            if secret:
                self._secrets.pop(secret, None)
                self._secrets[secret] = None
        for old in list(self._secrets)[:-_MOST_SECRETS]:
            del self._secrets[old]

    async def _bounded_error(self, response: httpx2.Response) -> httpx2.Response:
        """An error's answer, as far as it can be read in good time."""
        content = bytearray()
        try:
            async with asyncio.timeout(self._silence_seconds), aclosing(_pieces(response)) as pieces:
                async for piece in pieces:
                    content += piece
                    if len(content) > _MAX_ERROR_BYTES:
                        break
        except (TimeoutError, httpx2.HTTPError):
            pass  # the status says enough
        finally:
            await response.aclose()
        return _with_plain_wait(_replaced(response, content=bytes(content[:_MAX_ERROR_BYTES])))


class ModelEvents(httpx2.AsyncByteStream):
    """The body of an answer, as events of the Responses API in their documented shape and nothing else.

    Args:
        response: the answer, its body not read yet.
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
        self._patience = first_token_seconds
        self._silence_seconds = silence_seconds
        self._secrets = secrets
        self._answering = False
        self._items = 0
        # Whether an event was one of the Responses API.
        self._is_known = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events, encoded. Raises UnreadableAnswerError, OtherApiError, ModelSilentError, httpx2.HTTPError."""
        async with aclosing(_pieces(self._response)) as pieces:
            async for event in self._events(pieces):
                # Here no letter of a key is hidden behind an escape any more, as JSON allows for each of them.
                data = without_secrets(json.dumps(event, separators=(",", ":")), self._secrets)
                yield b"data: " + data.encode() + b"\n\n"
                if event["type"] in _LAST_EVENTS:
                    await _drain(pieces)
                    return
        if not self._is_known:
            raise UnreadableAnswerError("none of its events is one of the Responses API")

    async def aclose(self) -> None:
        """Close the connection, or give it back where all was read."""
        await self._response.aclose()

    async def _events(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Json]:
        decoder = EventStreamDecoder(_MAX_EVENT_BYTES)
        beginning: bytearray | None = bytearray()
        size = 0
        while piece := await self._next(pieces):
            size += len(piece)
            if size > _MAX_ANSWER_BYTES:
                raise UnreadableAnswerError("it is too long")
            if beginning is not None and len(beginning) < _MAX_WHOLE_BYTES:
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
            yield self._whole_answer(bytes(beginning))

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes:
        """The next piece that is not empty; the empty one at the end."""
        try:
            async with asyncio.timeout(self._patience):
                while not (piece := await anext(pieces, None)):
                    if piece is None:
                        return b""
                return piece
        except TimeoutError as error:
            raise ModelSilentError(self._patience, answering=self._answering) from error
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
            self._answering, self._patience = True, self._silence_seconds
        return self._redacted(event)

    def _redacted(self, event: Json) -> Json:
        """What the server says of an error is not kept as it is."""
        if event["type"] == "error":
            return {**event, "message": redact(event["message"], self._secrets)}
        if event["type"] == "response.failed" and (error := event["response"]["error"]) is not None:
            kept = {"code": error["code"], "message": redact(error["message"], self._secrets)}
            return {**event, "response": {**event["response"], "error": kept}}
        return event

    def _whole_answer(self, body: bytes) -> Json:
        """The event for an answer that is no stream but one JSON value: a response, or an error."""
        if not body.strip():
            raise UnreadableAnswerError("it is empty")
        text = body.decode(errors="replace")
        try:
            value = storable_json(read_json(text))
        except ValueError as error:
            if (api := other_api_of_lines(text)) is not None:
                raise OtherApiError(api) from error
            raise UnreadableAnswerError("it is no stream of events") from error
        if isinstance(value, dict) and value.get("object") == "response" and not value.get("error"):
            return {"type": f"response.{ending_of(value)}", "sequence_number": 0, "response": shaped_response(value)}
        event = shaped_event(value)
        if event is None or event["type"] != "error":
            if (api := other_api(value)) is not None:
                raise OtherApiError(api)
            raise UnreadableAnswerError("it is no stream of events")
        return self._redacted(event)


def _replaced(response: httpx2.Response, **body: Any) -> httpx2.Response:
    """The response with another body, which is neither encoded nor of the length that was announced."""
    left_out = (b"content-encoding", b"content-length", b"transfer-encoding")
    # As bytes: as text they may be no ASCII, which no header can be made of.
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in left_out]
    return httpx2.Response(
        response.status_code, headers=headers, request=response.request, extensions=response.extensions, **body
    )


def _with_plain_wait(response: httpx2.Response) -> httpx2.Response:
    """The response with its Retry-After in seconds, or without one: the SDK fails on dates that are none."""
    seconds = retry_after(response.headers)
    for name in ("retry-after", "retry-after-ms"):
        response.headers.pop(name, None)
    if seconds is not None:
        response.headers["retry-after"] = f"{seconds:.3f}"
    return response


def _pieces(response: httpx2.Response) -> Any:
    return response.aiter_bytes()


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(_END_SECONDS):
            async for _ in pieces:
                pass
    except (TimeoutError, httpx2.HTTPError):
        pass  # all that counts was read


def _is_delta(value: Any) -> bool:
    # Half a surrogate pair at its end may be whole with the next delta: see TextStream.
    return isinstance(value, dict) and str(value.get("type")).endswith(".delta")

"""The HTTP client for the model's server, which passes on only bounded, well-formed events."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import openai

from backend.app.programs.models.model_events import ModelEvents
from backend.app.programs.models.model_failures import ModelSilentError
from backend.app.programs.models.retry_after import retry_after

# The most that is read of an error response.
_MAX_ERROR_BYTES = 64 * 1024
# The headers with a request's key, and how many keys are remembered: a key can be replaced.
_KEY_HEADERS = ("authorization", "api-key", "x-api-key")
_MAX_SECRETS = 8

Secrets = Callable[[], Sequence[str]]


class ModelHttpClient(openai.DefaultAsyncHttpxClient):
    """An HTTP client that repairs or rejects malformed streams before the `openai` client reads them.

    Args:
        first_token_seconds: how long the server may be silent before the model's first output.
        silence_seconds: how long it may be silent afterwards.
        options: options of the client, such as `timeout`.
    """

    def __init__(self, *, first_token_seconds: float, silence_seconds: float, **options: Any) -> None:
        # The conversation and the key are sent only to the server in the settings.
        super().__init__(follow_redirects=False, **options)
        self._first_token_seconds = first_token_seconds
        self._silence_seconds = silence_seconds
        self._secrets: dict[str, None] = {}

    def secrets(self) -> tuple[str, ...]:
        """The keys of the last requests, to be redacted in the server's messages."""
        return tuple(self._secrets)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request. Raises httpx2.HTTPError, ModelSilentError."""
        self._remember_secrets(request)
        try:
            async with asyncio.timeout(self._first_token_seconds):
                response = await super().send(request, **options)
        except TimeoutError as error:
            raise ModelSilentError(self._first_token_seconds, answering=False) from error
        if response.is_closed:  # read already: not a streaming request
            return response
        if not response.is_success:
            return await self._bounded_error(response)
        events = ModelEvents(response, self._first_token_seconds, self._silence_seconds, self.secrets())
        return _replaced(response, stream=events)

    def _remember_secrets(self, request: httpx2.Request) -> None:
        found = [request.headers[name].rpartition(" ")[2] for name in _KEY_HEADERS if name in request.headers]
        for secret in [*found, request.url.password]:
            if secret:
                self._secrets.pop(secret, None)
                self._secrets[secret] = None
        for old in list(self._secrets)[:-_MAX_SECRETS]:
            del self._secrets[old]

    async def _bounded_error(self, response: httpx2.Response) -> httpx2.Response:
        """An error response with as much of its body as can be read within the limits."""
        content = bytearray()
        try:
            async with asyncio.timeout(self._silence_seconds), aclosing(response.aiter_bytes()) as pieces:
                async for piece in pieces:
                    content += piece
                    if len(content) > _MAX_ERROR_BYTES:
                        break
        except (TimeoutError, httpx2.HTTPError):
            pass  # the status is enough
        finally:
            await response.aclose()
        return _with_plain_retry_after(_replaced(response, content=bytes(content[:_MAX_ERROR_BYTES])))


def _replaced(response: httpx2.Response, **body: Any) -> httpx2.Response:
    """The response with another body, and without the headers of the original body's encoding and length."""
    left_out = (b"content-encoding", b"content-length", b"transfer-encoding")
    # As bytes: as text, values that are not ASCII could not be encoded again.
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in left_out]
    return httpx2.Response(
        response.status_code, headers=headers, request=response.request, extensions=response.extensions, **body
    )


def _with_plain_retry_after(response: httpx2.Response) -> httpx2.Response:
    """The response with its Retry-After in seconds, or without one: the SDK fails on invalid dates."""
    seconds = retry_after(response.headers)
    for name in ("retry-after", "retry-after-ms"):
        response.headers.pop(name, None)
    if seconds is not None:
        response.headers["retry-after"] = f"{seconds:.3f}"
    return response

"""Request bodies are read as JSON on the event loop, so a body may hold only so many values."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

# Of 1 MiB, a few long texts are read in 3 ms, and 350,000 empty lists in 200 ms; 100,000 unknown fields are refused
# one by one, in 400 ms. A body that is right has less than 100 values: the members of a project are the most.
# To count them takes 20 ms at most.
MAX_VALUES = 1_000
# JSON has a value for each comma and opening bracket, and two texts for each value at most: among more quotes than
# these there are too many commas or brackets, or a fault. It is an even number.
_MAX_QUOTES = 2 * 2 * 2 * (MAX_VALUES + 1)


class JsonBodyRoute(APIRoute):
    """A route that refuses a JSON body of more than MAX_VALUES values, before it is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        handle = super().get_route_handler()

        async def handle_bounded(request: Request) -> Response:
            return await handle(_BoundedRequest(request.scope, request.receive))

        return handle_bounded


class _BoundedRequest(Request):
    async def json(self) -> Any:
        _check_values(await self.body())
        return await super().json()


def _check_values(body: bytes) -> None:
    """Refuse a body that would be costly to read: for its values 413, for its nesting 400.

    Counted are the commas and opening brackets outside of texts. Where the body is no JSON, the count holds of what
    comes before the fault, which is all that a reader would read.
    """
    if b"\0" in body:  # the reader would take UTF-16 and UTF-32 as well
        raise HTTPException(400, "The body is not JSON in UTF-8.")
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")  # each quote that is left begins or ends a text
    outside = b"".join(bare.split(b'"', _MAX_QUOTES)[:_MAX_QUOTES:2])
    if outside.count(b",") > MAX_VALUES:
        raise HTTPException(413, f"The body may have at most {MAX_VALUES} JSON values.")
    if outside.count(b"[") + outside.count(b"{") > MAX_VALUES:
        raise HTTPException(400, f"The body may have at most {MAX_VALUES} JSON lists and objects.")

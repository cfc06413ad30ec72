"""Bounds the number of values in JSON bodies, which are parsed on the event loop."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

# Of 1 MiB, a few long strings are parsed in 3 ms, but 350,000 empty lists in 200 ms, and 100,000 unknown fields are
# refused in 400 ms. Valid bodies have fewer than 100 values, mostly the members of a project. Counting takes 20 ms at
# most.
MAX_VALUES = 1_000
# A comma or an opening bracket stands for a value, and a value has at most two strings: a body with more quotes has too
# many values, or is malformed. An even number.
_MAX_QUOTES = 2 * 2 * 2 * (MAX_VALUES + 1)


class JsonBodyRoute(APIRoute):
    """A route that refuses a JSON body of more than MAX_VALUES values before it is parsed."""

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
    """Refuse a body that is costly to parse: 413 for too many values, 400 for too many lists and objects.

    Counts the commas and opening brackets outside of strings. For malformed JSON the count is right up to the error,
    where a parser stops.
    """
    if b"\0" in body:  # the parser would accept UTF-16 and UTF-32 too
        raise HTTPException(400, "The body is not JSON in UTF-8.")
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")  # each remaining quote starts or ends a string
    outside = b"".join(bare.split(b'"', _MAX_QUOTES)[:_MAX_QUOTES:2])
    if outside.count(b",") > MAX_VALUES:
        raise HTTPException(413, f"The body may have at most {MAX_VALUES} JSON values.")
    if outside.count(b"[") + outside.count(b"{") > MAX_VALUES:
        raise HTTPException(400, f"The body may have at most {MAX_VALUES} JSON lists and objects.")

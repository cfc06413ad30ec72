"""The demo model as a server on loopback that speaks the Responses API, for use without an API key."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from backend.app.adapters.process_offloader import ProcessOffloader
from backend.local.demo_model.answer import answer
from backend.local.demo_model.response import Json, Reply, encode_event, new_id, stream_events
from backend.local.embedded_server import serve

MAX_BYTES_INLINE = 16_384  # answered in a few milliseconds; without the code, a request has some 6,000
_PIECES_OF_THINKING = 15  # it thinks as long as it writes so many


@contextlib.asynccontextmanager
async def run_demo_model(pace_seconds: float) -> AsyncIterator[str]:
    """Run the demo model, with a pause between two pieces of an answer. Yields the base URL for a client."""
    offloader = ProcessOffloader()

    async def respond(request: Request) -> Response:
        raw = await request.body()
        body = json.loads(raw)
        reply = answer(body) if len(raw) <= MAX_BYTES_INLINE else await offloader.run(answer, body)
        if body.get("stream"):
            return StreamingResponse(_paced(body, reply, pace_seconds), media_type="text/event-stream")
        await asyncio.sleep(pace_seconds * _PIECES_OF_THINKING)
        *_, last = stream_events(body, reply)
        return JSONResponse(last["response"], headers={"x-request-id": new_id("req")})

    async with serve(Starlette(routes=[Route("/v1/responses", respond, methods=["POST"])])) as url:
        try:
            yield f"{url}/v1"
        finally:
            await offloader.close()


async def _paced(body: Json, reply: Reply, pace_seconds: float) -> AsyncIterator[bytes]:
    for event in stream_events(body, reply):
        yield encode_event(event)
        pieces = {"in_progress": _PIECES_OF_THINKING, "delta": 1}.get(event["type"].rpartition(".")[2], 0)
        if pieces:
            await asyncio.sleep(pace_seconds * pieces)

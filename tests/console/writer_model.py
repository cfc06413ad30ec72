"""A model server that streams a fixed answer in pieces, with a delay before each; run it as a process."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from backend.local.demo_model.response import Json, Reply, encode_event, stream_events
from tests.model_server.process import serve_until_stopped


@dataclass(frozen=True)
class Writer:
    """Streams `text`, or `lines` lines, in `pieces` pieces, with a delay of `pace` seconds before each."""

    lines: int
    pieces: int
    pace: float
    text: str = ""

    @property
    def answer(self) -> str:
        return self.text or "\n".join(
            f"Line {number}: what the agent said about <b>things</b>." for number in range(self.lines)
        )

    async def respond(self, request: Request) -> Response:
        """Answer a streamed request."""
        body = json.loads(await request.body())
        events = list(stream_events(body, Reply(self.answer)))

        async def stream() -> AsyncIterator[bytes]:
            for event in self._in_pieces(events):
                if event["type"].endswith(".delta"):
                    await asyncio.sleep(self.pace)
                yield encode_event(event)

        return StreamingResponse(stream(), media_type="text/event-stream")

    def _in_pieces(self, events: list[Json]) -> Iterator[Json]:
        is_written = False
        for event in events:
            if not event["type"].endswith("output_text.delta"):
                yield event
            elif not is_written:
                is_written = True
                size = -(-len(self.answer) // self.pieces)
                for start in range(0, len(self.answer), size):
                    yield {**event, "delta": self.answer[start : start + size]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1)
    parser.add_argument("--pieces", type=int, default=1)
    parser.add_argument("--pace", type=float, default=0.0)
    parser.add_argument("--text-file", type=Path, help="a file to stream instead of lines")
    given = parser.parse_args()
    text = given.text_file.read_text("utf-8") if given.text_file else ""
    writer = Writer(given.lines, given.pieces, given.pace, text)
    app = Starlette(routes=[Route("/v1/responses", writer.respond, methods=["POST"])])
    asyncio.run(serve_until_stopped(app))


if __name__ == "__main__":
    main()

"""The metadata endpoint that ECS gives each container, as far as the relay asks it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.loopback_server import LoopbackServer


@dataclass
class EcsMetadata:
    """What the endpoint answers: first the `answers` (status and body), then that this is the task.

    Attributes:
        uri: what ECS puts into ECS_CONTAINER_METADATA_URI_V4.
        paths: what was asked.
    """

    uri: str
    task_id: str
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def next_answer(self, path: str) -> tuple[int, bytes]:
        self.paths.append(path)
        arn = f"arn:aws:ecs:us-east-1:123456789012:task/vibewire/{self.task_id}"
        return self.answers.pop(0) if self.answers else (200, json.dumps({"TaskARN": arn}).encode())


@contextmanager
def ecs_metadata(task_id: str) -> Iterator[EcsMetadata]:
    """An endpoint on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = metadata.next_answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Say nothing."""

    server = LoopbackServer(Handler)
    metadata = EcsMetadata(f"{server.url}/v4/container", task_id)
    with server:
        yield metadata

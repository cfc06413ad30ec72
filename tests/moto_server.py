"""AWS in a process of its own: moto behind HTTP on loopback, for tests with more than one process.

    with start_moto() as moto:
        subprocess.run(..., env={**os.environ, **moto.environment})

With TEST_AWS_ENDPOINT set to the address of another emulator of AWS, that one replaces moto, here and in
tests/moto_aws.py: `pytest tests/contract -k aws` and `pytest tests/relay` then run against that emulator. Only moto's
clock follows the tests' clock.

moto's models are not thread safe, so requests are served one at a time. SQS long polls are implemented here: moto's own
check the locked groups only once, spin, and would block all other requests.
"""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

REGION = "us-east-1"
# Without the prefix of the settings: a process refuses unknown settings.
OTHER_ENDPOINT = os.environ.get("TEST_AWS_ENDPOINT")
_START_SECONDS = 30.0
# A hidden message becomes visible without a request, so polls check this often.
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Moto:
    """A running moto server."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which a process uses it as AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of it, which reads nothing of the environment."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # the name is only known to the caller
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@contextmanager
def start_moto() -> Iterator[Moto]:
    """Start a moto server on a free port of loopback, and stop it in the end. It also ends with this process."""
    if OTHER_ENDPOINT:
        yield Moto(OTHER_ENDPOINT)
        return
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.moto_server"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment | {"AWS_DEFAULT_REGION": REGION},
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        watchdog = threading.Timer(_START_SECONDS, server.kill)
        watchdog.start()
        url = server.stdout.readline().strip()
        watchdog.cancel()
        try:
            assert url, "the moto server did not start"
            yield Moto(url)
        finally:
            server.stdin.close()
            server.wait(10)


class OneAtATime:
    """A WSGI application that passes requests on one at a time, and keeps the long polls of SQS itself."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._changed = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
            return self._poll(environ)(environ, start_response)
        body = _read(environ)
        with self._changed:
            answer = self._pass_on(environ, body)
            self._changed.notify_all()
        return answer(environ, start_response)

    def _poll(self, environ: dict[str, Any]) -> Response:
        asked = json.loads(_read(environ))
        until = time.monotonic() + float(asked.get("WaitTimeSeconds", 0))
        body = json.dumps(asked | {"WaitTimeSeconds": 0}).encode()
        with self._changed:
            while True:
                answer = self._pass_on(environ, body)
                left = until - time.monotonic()
                if left <= 0 or answer.status_code != 200 or "Messages" in json.loads(answer.get_data() or b"{}"):
                    return answer
                self._changed.wait(min(left, _LOOK_AGAIN_SECONDS))

    def _pass_on(self, environ: dict[str, Any], body: bytes) -> Response:
        given = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        given.pop("wsgi.input_terminated", None)
        given.pop("HTTP_TRANSFER_ENCODING", None)
        answer = Response.from_app(self._app, given)
        answer.get_data()  # read to its end within the lock
        return answer


def _read(environ: dict[str, Any]) -> bytes:
    if environ.get("wsgi.input_terminated"):
        body: bytes = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from tests.moto_speed import speed_up_moto

    speed_up_moto()
    app = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()

"""The rehearsal model: an OpenAI-compatible server that answers by rules, for use without an API key.

It speaks the Responses API (`POST /v1/responses`), streamed or not, so that the real client runs against it.
`/faults` makes it fail on purpose, `/counts` and `/requests/last` tell what it was asked.
"""

from __future__ import annotations

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import argparse
import asyncio
import contextlib
import json
from types import TracebackType

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.local.rehearsal.calls import ModelCalls, RehearsalState
from backend.local.rehearsal.reply import Json
from backend.local.rehearsal.request import error_body
from backend.local.rehearsal.server import (
    HOST,
    EmbeddedServer,
    QuickServer,
    base_url,
    listen,
    server_config,
)


def create_rehearsal_app(pace_seconds: float = 0.0) -> Starlette:
    """Build the application. Its `state.rehearsal` is a RehearsalState.

    Args:
        pace_seconds: How long to wait between two pieces of a streamed answer.

    Returns:
        The application.
    """
    state = RehearsalState(pace_seconds)
    routes = [
        Route("/v1/responses", ModelCalls(state), methods=["POST"]),
        Route("/faults", _faults, methods=["POST", "DELETE"]),
        Route("/counts", _counts),
        Route("/requests/last", _last_request),
        Route("/health", _health),
    ]
    # A web page of elsewhere must not read the last request through a name that leads to this machine.
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)
    app = Starlette(routes=routes, middleware=[guard], exception_handlers={HTTPException: _not_found})
    app.state.rehearsal = state
    return app


def _state(request: Request) -> RehearsalState:
    state: RehearsalState = request.app.state.rehearsal
    return state


async def _faults(request: Request) -> Response:
    state = _state(request)
    if request.method == "DELETE":
        state.faults.clear()
    else:
        try:
            state.faults.add(json.loads(await request.body()))
        except ValueError as error:
            return JSONResponse(error_body(str(error), "invalid_request_error"), 400)
    return JSONResponse({"faults": len(state.faults)})


async def _counts(request: Request) -> Response:
    return JSONResponse(_state(request).counts())


async def _last_request(request: Request) -> Response:
    return JSONResponse(_state(request).last_request)


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"Invalid URL ({request.method} {request.url.path})"
    return JSONResponse(error_body(message, "invalid_request_error"), status)


class RehearsalServer:
    """Runs the rehearsal model in the current event loop, on a free port. An asynchronous context manager.

    Args:
        pace_seconds: How long to wait between two pieces of a streamed answer.

    Attributes:
        base_url: Address for a client of the API; set once entered.
        root_url: Address of `/faults`, `/counts` and the others; set once entered.
        state: What the model was asked and which faults are planned; set once entered.
    """

    base_url: str
    root_url: str
    state: RehearsalState

    def __init__(self, pace_seconds: float = 0.0) -> None:
        self.pace_seconds = pace_seconds

    async def __aenter__(self) -> RehearsalServer:
        app = create_rehearsal_app(self.pace_seconds)
        self.state = app.state.rehearsal
        listener = listen(0)  # listening already, so a client may call before the task has started
        self.base_url = base_url(listener)
        self.root_url = self.base_url.removesuffix("/v1")
        self._server = EmbeddedServer(server_config(app))
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        await self._task
        await self.state.offloader.close()

    def add_faults(self, *faults: Json) -> None:
        """Plan faults, like `POST /faults`.

        Args:
            faults: Objects with the fields of `rehearsal_faults.Fault`.

        Raises:
            ValueError: one of them is not a fault.
        """
        self.state.faults.add(list(faults))

    def clear_faults(self) -> None:
        """Forget all faults, like `DELETE /faults`."""
        self.state.faults.clear()

    def counts(self) -> Json:
        """Tell what was served, like `GET /counts`.

        Returns:
            `calls`, `served`, `faults`, `tokens` and the last `requests`.
        """
        return self.state.counts()


def main(arguments: list[str] | None = None) -> None:
    """Run the rehearsal model until a signal stops it.

    Args:
        arguments: Command line without the program's name; None for that of the process.
    """
    parser = argparse.ArgumentParser(prog="rehearsal_model", description="An OpenAI-compatible rehearsal model.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two pieces of a streamed answer")
    given = parser.parse_args(arguments)
    listener = listen(given.port)
    server = QuickServer(server_config(create_rehearsal_app(given.pace)))
    print(f"Rehearsal model: {base_url(listener)}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()

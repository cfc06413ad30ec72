"""The demo model as tests use it: it fails as planned at `/faults`, and `/counts` says what it was asked."""

import json
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.local.demo_model.response import Json
from backend.local.embedded_server import serve
from tests.model_server.calls import ModelCalls, ModelState
from tests.model_server.connection import CuttableProtocol
from tests.model_server.request import error_body


def create_app(state: ModelState) -> Starlette:
    """The application of the model server."""

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            state.faults.clear()
        else:
            try:
                state.faults.add(json.loads(await request.body()))
            except ValueError as error:
                return JSONResponse(error_body(str(error), "invalid_request_error"), 400)
        return JSONResponse({"faults": len(state.faults)})

    async def counts(_: Request) -> Response:
        return JSONResponse(state.counts())

    async def last_request(_: Request) -> Response:
        return JSONResponse(state.last_request)

    routes = [
        Route("/v1/responses", ModelCalls(state), methods=["POST"]),
        Route("/faults", faults, methods=["POST", "DELETE"]),
        Route("/counts", counts),
        Route("/requests/last", last_request),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_found})


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"Invalid URL ({request.method} {request.url.path})"
    return JSONResponse(error_body(message, "invalid_request_error"), status)


class ModelServer:
    """Runs the model in the current event loop. An asynchronous context manager.

    Attributes:
        root_url: address of `/faults` and `/counts`; set once entered.
        base_url: address for a client of the API; set once entered.
        state: what the model was asked, and which faults are planned.
    """

    root_url: str
    base_url: str

    def __init__(self, pace_seconds: float = 0.0, port: int = 0) -> None:
        self.state = ModelState(pace_seconds)
        self._port = port
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._opened.push_async_callback(self.state.offloader.close)
        server = serve(create_app(self.state), self._port, CuttableProtocol)
        self.root_url = await self._opened.enter_async_context(server)
        self.base_url = f"{self.root_url}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    def add_faults(self, *faults: Json) -> None:
        """Plan faults: objects with the fields of Fault. Raises ValueError where one is none."""
        self.state.faults.add(list(faults))

    def counts(self) -> Json:
        """See ModelState."""
        return self.state.counts()

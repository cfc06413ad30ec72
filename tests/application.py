"""The API as an ASGI application, for tests: its routes are built once, since that takes longer than most tests."""

import copy
from functools import cache
from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI
from starlette.datastructures import State

from backend.app.api.application import build_application
from backend.app.api.services import Services


def application_of(services: Services) -> FastAPI:
    """`build_application(services)`, sharing routes and middleware with the other applications of this process."""
    app = copy.copy(_built(services.max_body_bytes))
    app.state = State({**app.state._state, "services": services})
    return app


@cache
def _built(max_body_bytes: int) -> FastAPI:
    app = build_application(cast(Services, SimpleNamespace(max_body_bytes=max_body_bytes)))
    app.middleware_stack = app.build_middleware_stack()
    return app

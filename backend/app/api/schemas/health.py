"""The body of /health."""

from typing import Literal

from backend.app.api.schemas.schema import ResponseSchema


class Health(ResponseSchema):
    """The API answers."""

    status: Literal["ok"] = "ok"
    version: str
    engine: str

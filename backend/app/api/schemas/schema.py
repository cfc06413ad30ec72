"""The kinds of schemas: of request bodies, and of response bodies."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class RequestSchema(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ResponseSchema(BaseModel):
    """A response body. Built when it is first used: an endpoint uses two or three of them."""

    model_config = ConfigDict(defer_build=True)


class DomainSchema(ResponseSchema):
    """A response body made from a domain object by its attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)


NextCursor = Annotated[str | None, Field(description="Pass it as `cursor` to get the next page; null: the last page.")]

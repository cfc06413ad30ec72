"""The bodies of the routes under /projects, sessions apart."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from backend.app.api.schemas.request_fields import Name, Text, UserName, VersionNumber
from backend.app.api.schemas.schema import DomainSchema, NextCursor, RequestSchema, ResponseSchema
from shared.event_fields import Version


class CreateProjectRequest(RequestSchema):
    """`current_code` is accepted as another name of `code`."""

    name: Name
    code: Annotated[Text | None, Field(description="Defaults to a small starter workflow.")] = None
    current_code: Annotated[
        Text | None, Field(description="The same as `code`.", json_schema_extra={"deprecated": True})
    ] = None

    @model_validator(mode="after")
    def _has_one_code(self) -> Self:
        if None not in (self.code, self.current_code) and self.code != self.current_code:
            raise ValueError("`code` and `current_code` are two names of one field: send one of them")
        return self

    @property
    def source(self) -> str | None:
        """The code, sent as either field."""
        return self.current_code if self.code is None else self.code


class UpdateProjectRequest(RequestSchema):
    """The changes; `code` needs the `base_version` that it was edited from."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"code": ["base_version"]}})

    name: Name | None = None
    members: list[UserName] | None = None
    code: Text | None = None
    base_version: Annotated[VersionNumber | None, Field(description="The version that `code` was edited from.")] = None


def _is_true(known: bool) -> bool:
    return known


# Omitted if true: most lists are known, and there are up to 200 nodes.
Known = Annotated[
    bool,
    Field(
        exclude_if=_is_true,
        description="Whether the list is complete; false: the code computes it, or it was cut.",
        json_schema_extra={"x-omitted-when": True},
    ),
]


class NodeBody(DomainSchema):
    """An agent of the workflow; `handoffs_known` and `tools_known` are omitted if true."""

    name: str
    handoffs: Annotated[list[str], Field(description="The agents that this one hands over to.")]
    tools: Annotated[list[str], Field(description="The tools that the agent may call.")]
    handoffs_known: Known = True
    tools_known: Known = True


class ProjectBody(DomainSchema):
    """A project."""

    project_id: str
    name: str
    owner: str
    members: list[str]
    code: str
    version: Version
    nodes: list[NodeBody]
    nodes_truncated: Annotated[
        bool, Field(description="Whether `nodes` is cut, to 200 agents and 64 KB; names of agents are kept first.")
    ]
    created_at: datetime
    updated_at: datetime


class ProjectEntryBody(DomainSchema):
    """A project in a list: its code and nodes are at `/projects/{project_id}`."""

    project_id: str
    name: str
    owner: str
    members: list[str]
    version: Version
    created_at: datetime
    updated_at: datetime


class ProjectList(ResponseSchema):
    """A page of projects."""

    projects: list[ProjectEntryBody]
    next_cursor: NextCursor


class DeletedProject(ResponseSchema):
    """The project was deleted."""

    project_id: str
    deleted: Literal[True] = True


class VersionBody(DomainSchema):
    """An entry of the version history."""

    version: Version
    message_id: str | None
    commit_message: str
    created_at: datetime


class VersionList(ResponseSchema):
    """A page of the version history."""

    project_id: str
    versions: list[VersionBody]
    next_cursor: NextCursor

"""What goes over the socket besides the events of shared/events.py: the handshake, acknowledgements, `access_lost`.

The relay writes these as plain objects; a test holds what it really sends against these models.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectAuth(_Message):
    """`auth` of the Socket.IO handshake. A socket is closed when its token expires."""

    token: str | None = Field(
        None, description="The JWT that REST calls send as a bearer token; without identity settings null or left out."
    )


class ConnectErrorData(_Message):
    """`data` of the `connect_error` that a refused client is given."""

    code: Literal["invalid_token"]


class Subscribed(_Message):
    """The acknowledgement of `subscribe`, after the replayed events: from now on the room is heard live."""

    ok: Literal[True]
    room: str = Field(description="`project_{project_id}`.")
    version: int = Field(description="The version of this contract.")
    last_seq: dict[str, int] = Field(description="By session: the number of its newest event.")
    truncated: list[str] = Field(
        description="Sessions of `after` whose history is not whole (older than seven days), or that are not of this "
        "project: read them again."
    )
    deleted: list[str] = Field(description="Sessions of `after` that were deleted.")


class Unsubscribed(_Message):
    """The acknowledgement of `unsubscribe`; also where the project was not heard."""

    ok: Literal[True]
    room: str = Field(description="`project_{project_id}`.")


class Refusal(_Message):
    """What was asked for is refused; nothing has changed."""

    ok: Literal[False]
    code: Literal["project_not_found", "invalid_subscription", "disconnected"] = Field(description="Stable.")
    detail: str = Field(description="For people.")


class AccessLost(_Message):
    """To one client alone: it may no longer hear the project, and has left its room."""

    project_id: str
    room: str

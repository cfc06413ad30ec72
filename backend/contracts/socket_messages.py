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

    code: Literal["invalid_token", "keys_unavailable", "too_many_connections"] = Field(
        description="Stable. `invalid_token`: get a new one, then connect. `keys_unavailable`: the token "
        "is not judged, since the issuer's keys cannot be fetched now; keep it, and connect again after a pause. "
        "`too_many_connections`: this user has as many as one may have. After each of them the client does not try "
        "again by itself."
    )


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
    deleted: list[str] = Field(
        description="Sessions of `after` that were deleted; of more than 20 that the project does not have "
        "the rest is `truncated` without a look."
    )


class Unsubscribed(_Message):
    """The acknowledgement of `unsubscribe`; also where the project was not heard."""

    ok: Literal[True]
    room: str = Field(description="`project_{project_id}`.")


class Refusal(_Message):
    """What was asked for is refused; nothing has changed."""

    ok: Literal[False]
    code: Literal[
        "project_not_found",
        "invalid_subscription",
        "too_many_rooms",
        "too_many_requests",
        "disconnected",
        "internal_error",
        "storage_unavailable",
    ] = Field(
        description="Stable. `project_not_found`: none that the client may use. `invalid_subscription`: `detail` says "
        "what is wrong. `too_many_rooms`: unsubscribe from another project first. `too_many_requests`: wait for "
        "answers. `disconnected`: the connection ended meanwhile. `internal_error`: something is broken here, and may "
        "work the next time. `storage_unavailable`: the server's store cannot be used, "
        "`detail` says why; try again later."
    )
    detail: str = Field(description="For people.")


class AccessLost(_Message):
    """To one client alone: it may no longer hear the project, and has left its room."""

    project_id: str
    room: str

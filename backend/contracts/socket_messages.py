"""The socket messages besides the events of shared/events.py: the handshake, acknowledgements, `access_lost`.

The relay sends these as plain objects; a test validates what it sends against these models.
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
    """`data` of the `connect_error` of a refused client."""

    code: Literal["invalid_token", "keys_unavailable", "too_many_connections"] = Field(
        description="Stable. `invalid_token`: get a new one, then connect. `keys_unavailable`: the token "
        "was not checked, because the issuer's keys cannot be fetched; keep it, and connect again after a pause. "
        "`too_many_connections`: this user has the most connections that one user may have. After each of these the "
        "client does not reconnect by itself."
    )


class Subscribed(_Message):
    """The acknowledgement of `subscribe`, after the replayed events and before all further ones."""

    ok: Literal[True]
    room: str = Field(description="`project_{project_id}`.")
    version: int = Field(description="The version of this contract.")
    last_seq: dict[str, int] = Field(description="By session: the `seq` of its last event.")
    truncated: list[str] = Field(
        description="Sessions of `after` whose history is incomplete (older than seven days), or that are not of this "
        "project: read them by REST."
    )
    deleted: list[str] = Field(
        description="Sessions of `after` that were deleted. Of sessions that the project does not have only 20 are "
        "checked; the rest is `truncated`."
    )


class Unsubscribed(_Message):
    """The acknowledgement of `unsubscribe`, also without a subscription."""

    ok: Literal[True]
    room: str = Field(description="`project_{project_id}`.")


class Refusal(_Message):
    """The request was refused; nothing has changed."""

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
        description="Stable. `project_not_found`: it does not exist, or the client has no access. "
        "`invalid_subscription`: `detail` says why. `too_many_rooms`: unsubscribe from another project first. "
        "`too_many_requests`: wait for answers. `disconnected`: the connection was closed during the request. "
        "`internal_error`: an error of the server, which was logged: try again. `storage_unavailable`: the server's "
        "store cannot be used, `detail` says why: try again later."
    )
    detail: str = Field(description="For humans.")


class AccessLost(_Message):
    """Sent to one client: it has lost its access to the project, and is unsubscribed."""

    project_id: str
    room: str = Field(description="`project_{project_id}`.")

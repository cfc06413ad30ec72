"""The settings of the relay."""

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt


class RelaySettings(BaseModel):
    """How the relay treats its clients.

    Attributes:
        fill_seconds: how often cursors are compared with the log.
        access_seconds: how often it is looked who may still hear a project.
        active_seconds: a project that was heard of so recently is compared.
        ping_seconds: how often a client is asked whether it is there; as long again until it is given up.
        max_packet_bytes: the largest packet that a client may send.
        max_after: sessions that one subscription may ask replay for.
        origins: web origins that may connect; None: only the relay's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fill_seconds: PositiveFloat = 15
    access_seconds: PositiveFloat = 60
    active_seconds: PositiveFloat = 15 * 60
    ping_seconds: PositiveFloat = 10
    max_packet_bytes: PositiveInt = 100_000
    max_after: PositiveInt = 200
    origins: tuple[str, ...] | None = None

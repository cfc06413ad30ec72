"""The settings of the relay, and those of its container."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, field_validator, model_validator

from shared.identity_settings import IdentitySettings, parse_origins

# Limits that are no settings: the project's own event clients rely on the first, and nothing calls for other values.
MAX_AFTER_SESSIONS = 200
AUTHENTICATION_SECONDS = 20.0


class RelaySettings(BaseModel):
    """The relay's limits, and how it serves its clients."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fill_seconds: PositiveFloat = Field(
        15, description="How often the relay compares its cursors with the log and backfills, in seconds."
    )
    # An integer: python-engineio sends its clients no fractions.
    ping_seconds: PositiveInt = Field(
        10,
        description="How often the relay pings a client, in seconds; a client that does not answer within the same "
        "time is disconnected.",
    )
    max_packet_bytes: PositiveInt = Field(100_000, description="The largest packet that a client may send, in bytes.")
    max_packets_per_second: PositiveFloat = Field(
        50, description="Packets that a client may send each second; bursts may have five times as many."
    )
    max_client_bytes: PositiveInt = Field(
        4_000_000,
        description="What may be pending for a client that does not read, in bytes; above it the client is "
        "disconnected.",
    )
    max_waiting_bytes: PositiveInt = Field(
        256_000_000,
        description="What may be pending for all clients together, in bytes; above it those with the most are "
        "disconnected.",
    )
    max_rooms: PositiveInt = Field(200, description="Projects that one connection may subscribe to.")
    max_user_connections: PositiveInt = Field(200, description="Connections that one user may have to one relay.")
    max_connections: PositiveInt = Field(10_000, description="Connections that one relay may have in all.")
    fast_path: bool = Field(
        default=True,
        description="Whether a room's events are encoded once and written to each client's WebSocket directly.",
    )
    origins: tuple[str, ...] | None = Field(
        None, description="Web origins that may connect, separated by commas; by default only the relay's own."
    )


class RelayProcessSettings(RelaySettings, IdentitySettings):
    """The settings of the relay's container. Identity is required."""

    table_name: str = Field(description="The DynamoDB table.")
    topic_arn: str = Field(description="The SNS FIFO topic that carries the events to the relays.")
    relay_queue_prefix: str = Field(description="The prefix of the names of the relays' queues.")
    stack: str = Field("vibewire", description="The stack's name: the dimension of all metrics.")
    host: str = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - the container's only one
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0: any free one.")
    drain_seconds: PositiveFloat = Field(
        20,
        description="How long a stopping relay may take to drain its clients, in seconds; "
        "and as long again for their requests to end.",
    )
    relay_cluster: str | None = Field(
        None, description="The ECS cluster of the relays; without it only SIGTERM makes a relay drain its clients."
    )

    @field_validator("origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: object) -> object:
        return (parse_origins(origins) or None) if isinstance(origins, str) else origins

    @model_validator(mode="after")
    def _require_identity(self) -> Self:
        if not self.has_identity:
            raise ValueError("VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE must be set")
        if "*" in (self.origins or ()):
            raise ValueError("VIBEWIRE_ORIGINS must name each origin: * would allow every web page")
        return self

"""The settings of the relay, and those of its container."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, field_validator, model_validator

from shared.identity_settings import IdentitySettings, parse_origins


class RelaySettings(BaseModel):
    """How the relay treats its clients."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fill_seconds: PositiveFloat = Field(
        15, description="How often the relay compares its cursors with the log, in seconds."
    )
    access_seconds: PositiveFloat = Field(
        60, description="How often the relay looks who may still hear a project, in seconds."
    )
    active_seconds: PositiveFloat = Field(
        15 * 60, description="A project that was heard of so recently is compared with the log, in seconds."
    )
    # Whole seconds: python-engineio tells its clients no fractions.
    ping_seconds: PositiveInt = Field(
        10,
        description="How often a client is asked whether it is there, in seconds; as long again until it is given up.",
    )
    max_packet_bytes: PositiveInt = Field(100_000, description="The largest packet that a client may send, in bytes.")
    max_packets_per_second: PositiveFloat = Field(
        50, description="Packets that a client may send each second; five times as many at once."
    )
    max_client_bytes: PositiveInt = Field(
        4_000_000,
        description="What may wait for a client that does not read, in bytes; over it the client is cut off.",
    )
    max_waiting_bytes: PositiveInt = Field(
        256_000_000,
        description="What may wait for all clients that do not read together, in bytes; over it those with the most "
        "are cut off.",
    )
    max_rooms: PositiveInt = Field(200, description="Projects that one connection may hear at a time.")
    max_after: PositiveInt = Field(200, description="Sessions that one subscription may ask replay for.")
    max_user_connections: PositiveInt = Field(200, description="Connections that one user may have to one relay.")
    max_connections: PositiveInt = Field(10_000, description="Connections that one relay may have in all.")
    connect_seconds: PositiveFloat = Field(
        20, description="How long a connection may take to say who it is, in seconds."
    )
    max_log_reads: PositiveInt = Field(8, description="Reads of the log that the relay has under way at a time.")
    recent_bytes: PositiveInt = Field(
        16_000_000, description="Recent events that are kept for clients that return, in bytes."
    )
    recent_seconds: PositiveFloat = Field(300, description="How long those are kept, in seconds.")
    fast_path: bool = Field(
        default=True,
        description="Whether a room's events are encoded once and written to each client's WebSocket directly.",
    )
    origins: tuple[str, ...] | None = Field(
        None, description="Web origins that may connect, divided by commas; by default only the relay's own."
    )


class RelayProcessSettings(RelaySettings, IdentitySettings):
    """What the relay's container is told by its task. Identity is required here: nobody is trusted unproven."""

    table_name: str = Field(description="The DynamoDB table.")
    topic_arn: str = Field(description="The SNS FIFO topic that carries the events to the relays.")
    relay_queue_prefix: str = Field(description="How the names of the relays' queues begin.")
    stack: str = Field("vibewire", description="The stack's name: the dimension of all metrics.")
    host: str = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - the container's only one
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0: any free one.")
    poll_seconds: int = Field(
        20, ge=1, le=20, description="How long the relay's queue is waited at in one call, in seconds."
    )
    drain_seconds: PositiveFloat = Field(
        20,
        description="How long a relay that stops may take to send its clients away, in seconds; "
        "and as long again for their requests to end.",
    )
    relay_cluster: str | None = Field(
        None, description="The ECS cluster in which the relays run; without it only SIGTERM tells a relay to go."
    )
    retirement_seconds: PositiveFloat = Field(
        10, description="How often a relay asks ECS whether it is to go, in seconds."
    )

    @field_validator("origins", mode="before")
    @classmethod
    def _divide(cls, origins: object) -> object:
        return (parse_origins(origins) or None) if isinstance(origins, str) else origins

    @model_validator(mode="after")
    def _require_identity(self) -> Self:
        if not self.has_identity:
            raise ValueError("VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE must be set")
        if "*" in (self.origins or ()):
            raise ValueError("VIBEWIRE_ORIGINS must name each origin: * would let every web page in")
        return self

"""The settings of the API and the worker, on any engine, and those of the Lambdas; the limits are settings too."""

import re
from pathlib import Path
from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from backend.app.domain.limits import Limits
from shared.identity_settings import IdentitySettings

_BASE_URL = re.compile(r"https?://[^/\s]+\S*", re.IGNORECASE)


class AppSettings(Limits, IdentitySettings):
    """The settings of the API and the worker."""

    wait_seconds: PositiveFloat = Field(
        20, le=25, description="How long sending a message waits for the end of its turn, in seconds."
    )
    send_message_concurrency: PositiveInt = Field(
        2000,
        description="Messages that may be sent concurrently; half as many clients may wait for their answer, the "
        "others are answered immediately.",
    )
    max_body_bytes: PositiveInt = Field(1_048_576, description="The largest request body, in bytes.")
    model: str | None = Field(None, description="The model's name; by default the Agents SDK's.")
    model_timeout_seconds: PositiveFloat = Field(
        60, description="Silence of the model's server in the middle of an answer before the call fails, in seconds."
    )
    model_first_token_seconds: PositiveFloat = Field(
        300, description="How long the model's server may take to begin an answer before the call fails, in seconds."
    )
    max_output_tokens: int = Field(
        16_384, ge=256, description="The longest answer of VibeCoder, in tokens; a review is at most a quarter of it."
    )
    tracing: bool = Field(default=False, description="Whether the Agents SDK sends traces to OpenAI.")
    openai_base_url: str | None = Field(None, description="Another server that speaks the Responses API.")

    @property
    def wait_slots(self) -> int:
        """How many clients may wait for their answer at the same time: the other half is there to send."""
        return max(1, self.send_message_concurrency // 2)

    @field_validator("openai_base_url")
    @classmethod
    def _check_address(cls, address: str | None) -> str | None:
        if address and not _BASE_URL.fullmatch(address):
            raise ValueError("must be an http or https address")
        return address


class AwsSettings(AppSettings):
    """The settings of a Lambda, set by the template. Identity is required here."""

    # A client that waits holds a Lambda, which is paid for.
    wait_seconds: PositiveFloat = Field(
        3, le=25, description="How long sending a message waits for the end of its turn, in seconds."
    )
    send_message_concurrency: PositiveInt = Field(
        4,
        description="Messages that may be sent concurrently; half as many clients may wait for their answer, the "
        "others are answered immediately.",
    )
    table_name: str = Field(description="The DynamoDB table.")
    turn_queue_url: str = Field(description="The SQS FIFO queue of the turn notifications.")
    topic_arn: str = Field(description="The SNS FIFO topic that carries the events to the relays.")
    memory_dir: Path = Field(Path("/mnt/memory"), description="The mount point of the file system of the memories.")
    openai_secret_arn: str | None = Field(
        None, description="The Secrets Manager secret with the key of the model's server."
    )
    max_turns: PositiveInt = Field(
        50,
        description="How many turns the workers run concurrently; while all are busy, waiting turns are not rescued.",
    )
    relay_queue_prefix: str | None = Field(None, description="How the names of the relays' queues begin.")
    relay_cluster: str | None = Field(None, description="The ECS cluster in which the relays run.")
    stack: str = Field("vibewire", description="The stack's name: a dimension of all metrics.")
    tracer: bool = Field(default=False, description="Whether the Lambdas send traces to X-Ray.")

    @model_validator(mode="after")
    def _require_identity(self) -> Self:
        if not self.has_identity:
            raise ValueError("VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE must be set")
        return self

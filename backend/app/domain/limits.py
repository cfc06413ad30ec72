"""Limits of input and of turns. Sizes are bytes of UTF-8."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Limits(BaseModel):
    """Limits of input and of turns; each is a setting."""

    # Only its subclasses are built, each when it is first used.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    prompt_bytes: PositiveInt = Field(32_000, description="The longest prompt, in bytes of UTF-8.")
    code_bytes: PositiveInt = Field(256 * 1024, description="The largest source of a project, in bytes of UTF-8.")
    # One transaction ends all open messages of a session, another lists a project for all its members. DynamoDB allows
    # 100 items in one.
    queued_messages: PositiveInt = Field(20, le=80, description="Queued messages per session.")
    members: PositiveInt = Field(50, le=80, description="Members per project.")
    iterations: PositiveInt = Field(3, description="VibeCoder -> Evaluator iterations per turn.")
    attempts: PositiveInt = Field(3, description="Attempts per turn before it fails.")
    turn_seconds: PositiveFloat = Field(600, description="Time limit of one attempt of a turn, in seconds.")
    lease_seconds: PositiveFloat = Field(60, description="Length of a worker's lease on a turn, in seconds.")
    heartbeat_seconds: PositiveFloat = Field(
        20, description="Interval at which a worker extends its lease, in seconds."
    )
    cancel_check_seconds: PositiveFloat = Field(
        1, description="Interval at which a worker checks for a cancel, in seconds."
    )
    retry_delay_seconds: PositiveFloat = Field(
        2,
        description="Seconds before a failed turn is retried, multiplied by the number of the attempt.",
    )
    history_tokens: PositiveInt = Field(
        60_000,
        description="How much of the conversation is sent to the model: the newest turns within about so many tokens.",
    )

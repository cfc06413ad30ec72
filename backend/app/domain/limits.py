"""How much of everything there may be. Sizes are bytes of UTF-8."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Limits(BaseModel):
    """Limits of input and of turns; each is a setting."""

    # Built when it is first used: only what inherits from it is.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    prompt_bytes: PositiveInt = Field(32_000, description="The longest prompt, in bytes of UTF-8.")
    code_bytes: PositiveInt = Field(256 * 1024, description="The largest source of a project, in bytes of UTF-8.")
    # One transaction ends a session's waiting messages, and one lists a project for its members: DynamoDB's hold 100.
    queued_messages: PositiveInt = Field(20, le=80, description="Messages that may wait in one session.")
    members: PositiveInt = Field(50, le=80, description="People a project may be shared with.")
    iterations: PositiveInt = Field(3, description="VibeCoder -> Evaluator rounds of one turn.")
    attempts: PositiveInt = Field(3, description="How often a turn is begun before it is given up.")
    turn_seconds: PositiveFloat = Field(600, description="How long one attempt of a turn may take, in seconds.")
    lease_seconds: PositiveFloat = Field(60, description="How long a silent worker keeps its turn, in seconds.")
    heartbeat_seconds: PositiveFloat = Field(20, description="How often a worker says that it is alive, in seconds.")
    cancel_check_seconds: PositiveFloat = Field(1, description="How often a worker looks for a cancel, in seconds.")
    retry_delay_seconds: PositiveFloat = Field(
        2,
        description="Seconds before a turn that failed for a passing reason is begun again; times the attempt.",
    )
    history_tokens: PositiveInt = Field(
        60_000,
        description="How much of the conversation the model is given: whole turns, about so many tokens.",
    )

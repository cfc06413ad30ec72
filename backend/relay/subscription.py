"""What a client may ask of the relay."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from shared.access import MAX_ID_CHARACTERS, canonical_id

Id = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_ID_CHARACTERS, strict=True), AfterValidator(canonical_id)
]
Seq = Annotated[int, Field(ge=0, le=2**53, strict=True)]


class InvalidSubscriptionError(Exception):
    """The client sent something else than a subscription; the message says what is wrong."""


class Subscription(BaseModel):
    """The payload of `subscribe`: a project, and by session the newest event that the client has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project_id: Id
    after: dict[Id, Seq] = Field(default_factory=dict)

    @field_validator("after", mode="wrap")
    @classmethod
    def _name_each_session_once(cls, value: object, read: ValidatorFunctionWrapHandler) -> dict[str, int]:
        after: dict[str, int] = read(value)
        if isinstance(value, dict) and len(after) < len(value):
            raise ValueError("two keys are the same session, in upper and in lower case")
        return after


class Unsubscription(BaseModel):
    """The payload of `unsubscribe`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project_id: Id


AnyRequest = TypeVar("AnyRequest", bound=BaseModel)


def parse_subscription(payload: Sequence[object], max_after: int) -> Subscription:
    """The subscription in what a client emitted. Raises InvalidSubscriptionError."""
    subscription = _parse(Subscription, payload)
    if len(subscription.after) > max_after:
        raise InvalidSubscriptionError(f"after: at most {max_after} sessions")
    return subscription


def parse_unsubscription(payload: Sequence[object]) -> Unsubscription:
    """The project that a client wants to leave. Raises InvalidSubscriptionError."""
    return _parse(Unsubscription, payload)


def _parse(kind: type[AnyRequest], payload: Sequence[object]) -> AnyRequest:
    if len(payload) != 1:
        raise InvalidSubscriptionError("payload: send one object with `project_id`")
    try:
        return kind.model_validate(payload[0])
    except ValidationError as error:
        found = (
            f"{'.'.join(str(part) for part in one['loc']) or 'payload'}: {one['msg']}" for one in error.errors()[:5]
        )
        raise InvalidSubscriptionError("; ".join(found)) from None

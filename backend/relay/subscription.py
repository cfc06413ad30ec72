"""The payloads of `subscribe` and `unsubscribe`, and their acknowledgements."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

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

from backend.relay.rooms.subscriber import SubscribeResult
from backend.relay.settings import MAX_AFTER_SESSIONS
from shared.access import MAX_ID_CHARACTERS, canonical_id
from shared.events import CONTRACT_VERSION, room_of

Id = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_ID_CHARACTERS, strict=True), AfterValidator(canonical_id)
]
Seq = Annotated[int, Field(ge=0, le=2**53, strict=True)]
Ack = dict[str, Any]


class InvalidSubscriptionError(Exception):
    """The payload is invalid; the message says why."""


class Subscription(BaseModel):
    """The payload of `subscribe`: a project, and by session the number of the last event that the client has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project_id: Id
    after: dict[Id, Seq] = Field(
        default_factory=dict, description="By session: the `seq` of the newest event that the client has."
    )

    @field_validator("after", mode="wrap")
    @classmethod
    def _reject_duplicate_sessions(cls, value: object, read: ValidatorFunctionWrapHandler) -> dict[str, int]:
        after: dict[str, int] = read(value)
        if isinstance(value, dict) and len(after) < len(value):
            raise ValueError("two keys are the same session, in upper and in lower case")
        return after


class Unsubscription(BaseModel):
    """The payload of `unsubscribe`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project_id: Id


AnyRequest = TypeVar("AnyRequest", bound=BaseModel)


def parse_subscription(payload: Sequence[object]) -> Subscription:
    """Parse the payload of `subscribe`. Raises InvalidSubscriptionError."""
    subscription = _parse(Subscription, payload)
    if len(subscription.after) > MAX_AFTER_SESSIONS:
        raise InvalidSubscriptionError(f"after: at most {MAX_AFTER_SESSIONS} sessions")
    return subscription


def parse_unsubscription(payload: Sequence[object]) -> Unsubscription:
    """Parse the payload of `unsubscribe`. Raises InvalidSubscriptionError."""
    return _parse(Unsubscription, payload)


def subscribed(project_id: str, result: SubscribeResult) -> Ack:
    """The acknowledgement of a subscription."""
    return {
        "ok": True,
        "room": room_of(project_id),
        "version": CONTRACT_VERSION,
        "last_seq": result.last_seq,
        "truncated": result.truncated,
        "deleted": result.deleted,
    }


def project_not_found(project_id: str) -> Ack:
    """The refusal for a project that does not exist or that the client has no access to."""
    return refusal("project_not_found", f"Project {project_id} does not exist, or you have no access to it.")


def refusal(code: str, detail: str) -> Ack:
    """The acknowledgement of a refused request."""
    return {"ok": False, "code": code, "detail": detail}


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

"""Examples of the socket's messages, built from their models."""

from typing import Any

from pydantic import BaseModel

from backend.contracts.event_examples import PROJECT_ID, SESSION_ID, live_event_examples, logged_event_examples
from backend.contracts.socket_messages import (
    AccessLost,
    ConnectAuth,
    ConnectErrorData,
    Refusal,
    Subscribed,
    Unsubscribed,
)
from backend.relay.subscription import Subscription, Unsubscription
from shared.events import CONTRACT_VERSION, event_payload, room_of

Json = dict[str, Any]


def model_of_event(name: str) -> type[BaseModel]:
    """The model of the event of that name."""
    if name == "access_lost":
        return AccessLost
    return next(type(one) for one in (*logged_event_examples(), *live_event_examples()) if one.type == name)


def event_examples() -> dict[str, list[Json]]:
    """By the event's name: payloads as clients receive them."""
    examples: dict[str, list[Json]] = {}
    for event in (*logged_event_examples(), *live_event_examples()):
        examples.setdefault(event.type, []).append(event_payload(event))
    lost = AccessLost(project_id=PROJECT_ID, room=room_of(PROJECT_ID))
    return {**examples, "access_lost": [lost.model_dump(mode="json")]}


def request_examples() -> dict[str, list[Json]]:
    """By the name of a client's message or of its answer: payloads."""
    room = room_of(PROJECT_ID)
    subscribed = Subscribed(
        ok=True, room=room, version=CONTRACT_VERSION, last_seq={SESSION_ID: 5}, truncated=[], deleted=[]
    )
    no_project = Refusal(
        ok=False, code="project_not_found", detail=f"Project {PROJECT_ID} does not exist, or you have no access to it."
    )
    invalid = Refusal(ok=False, code="invalid_subscription", detail="project_id: Field required")
    too_many = Refusal(ok=False, code="too_many_rooms", detail="At most 200 projects at a time.")
    examples: dict[str, list[BaseModel]] = {
        "connect": [ConnectAuth(token="eyJhbGciOiJFUzI1NiIs..."), ConnectAuth(token=None)],  # noqa: S106 - an example
        "connect_error": [
            ConnectErrorData(code="invalid_token"),
            ConnectErrorData(code="keys_unavailable"),
            ConnectErrorData(code="too_many_connections"),
        ],
        "subscribe": [Subscription(project_id=PROJECT_ID, after={SESSION_ID: 3})],
        "subscribe_ack": [subscribed, no_project, invalid, too_many],
        "unsubscribe": [Unsubscription(project_id=PROJECT_ID)],
        "unsubscribe_ack": [Unsubscribed(ok=True, room=room), invalid],
    }
    return {name: [one.model_dump(mode="json") for one in payloads] for name, payloads in examples.items()}

"""The AsyncAPI document: the relay's side of the socket, from the models of what is sent and received."""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from backend.contracts.schemas import schemas_of
from backend.contracts.socket_examples import event_examples, model_of_event, request_examples
from backend.contracts.socket_messages import (
    AccessLost,
    ConnectAuth,
    ConnectErrorData,
    Refusal,
    Subscribed,
    Unsubscribed,
)
from backend.relay.settings import RelaySettings
from backend.relay.subscription import Subscription, Unsubscription
from shared.events import CONTRACT_VERSION, LiveEvent, LoggedEvent

Json = dict[str, Any]

_ABOUT = """\
A client connects with Socket.IO (path `/socket.io`, default namespace), emits `subscribe` with the project's id and,
where it was here before, the number of the newest event that it has of each session. The relay first sends what it
missed, then acknowledges, then sends everything live. `seq` counts 1, 2, 3 ... in each session without holes, so a
plain `socket.on` client sees every event once. Events are kept seven days. An event is at most 200 KB: its largest
field then is null, and `href` says where to read it. Live events have no `seq` and are not kept.

Take WebSocket alone, `io(url, {{ transports: ["websocket"], auth: {{ token }} }})`, or be a page of the relay's site.
Clients that poll are kept at one relay by a cookie, which browsers drop for a page on another site: then half of the
requests meet another relay, which does not know the connection.

A connection hears at most {max_rooms} projects, `after` names at most {max_after} sessions, a packet has at most
{max_packet_bytes} bytes, and {max_packets_per_second:g} packets may be sent each second (five times as many at once);
one user has at most {max_user_connections} connections to one relay. What is asked beyond that is refused with a
`code`. Who sends too fast, or what is no packet, or does not read (more than {max_client_bytes} bytes wait for it), or
has not introduced itself after {connect_seconds:g} seconds, is cut off: the WebSocket ends, with 1008 and the reason
where the client still reads. A relay that stops ends its WebSockets with 1012, and one that is full or about to stop
answers the handshake with 503 and the `code` `full` or `leaving`. After all of these Socket.IO clients connect again by
themselves, after a pause; `subscribe` with `after` then brings what was missed.
"""
_CHANNEL = {"$ref": "#/channels/namespace"}
_SCHEMA = "#/components/schemas/"

# What clients send, and what answers it.
_REQUESTS: dict[str, type[BaseModel]] = {
    "connect": ConnectAuth,
    "subscribe": Subscription,
    "unsubscribe": Unsubscription,
}
_ANSWERS: dict[str, tuple[type[BaseModel], ...]] = {
    "connect_error": (ConnectErrorData,),
    "subscribe_ack": (Subscribed, Refusal),
    "unsubscribe_ack": (Unsubscribed, Refusal),
}
_SUMMARIES = {
    "connect": "The handshake: `auth` of the Socket.IO client.",
    "connect_error": "The handshake was refused: `error.message` says why, and this is `error.data`.",
    "subscribe": "Hear a project; `after`: by session, the newest event that the client has. Safe to repeat.",
    "subscribe_ack": "The acknowledgement of `subscribe`.",
    "unsubscribe": "Hear the project no longer.",
    "unsubscribe_ack": "The acknowledgement of `unsubscribe`.",
}


def asyncapi_document(version: str) -> Json:
    """The AsyncAPI 3 document of the relay, for the product's version."""
    events = event_examples()
    messages = {**_request_messages(), **{name: _event_message(name, examples) for name, examples in events.items()}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vibewire events",
            "version": version,
            "description": _ABOUT.format_map(RelaySettings().model_dump()),
            "license": {"name": "Apache-2.0"},
            "x-contract-version": CONTRACT_VERSION,
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8765",
                "pathname": "/socket.io",
                "protocol": "socketio",
                "protocolVersion": "5",
                "description": "`make run`; elsewhere the relay's own address. WebSocket, or polling from its site.",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "namespace": {
                "address": "/",
                "title": "The default namespace",
                "servers": [{"$ref": "#/servers/local"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {**_request_operations(), **{name: _send_operation(name, messages[name]) for name in events}},
        "components": {
            "schemas": socket_schemas(),
            "messages": messages,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Handed over as `auth.token` of the handshake, not as a header.",
                }
            },
        },
    }


def socket_schemas() -> Json:
    """The schemas of everything that goes over the socket, by the names of the models."""
    received = [TypeAdapter(model) for model in _REQUESTS.values()]
    sent: list[TypeAdapter[Any]] = [TypeAdapter(LoggedEvent), TypeAdapter(LiveEvent), TypeAdapter(AccessLost)]
    sent += [TypeAdapter(model) for models in _ANSWERS.values() for model in models]
    return dict(sorted({**schemas_of(*received, mode="validation"), **schemas_of(*sent)}.items()))


def _request_messages() -> Json:
    examples = request_examples()
    models = {**{name: (model,) for name, model in _REQUESTS.items()}, **_ANSWERS}
    return {
        name: {
            "name": name,
            "summary": summary,
            "payload": _payload([model.__name__ for model in models[name]]),
            "examples": [{"payload": payload} for payload in examples[name]],
        }
        for name, summary in _SUMMARIES.items()
    }


def _event_message(name: str, examples: list[Json]) -> Json:
    model = model_of_event(name)
    return {
        "name": name,
        "summary": " ".join((model.__doc__ or "").split()),
        "payload": _payload([model.__name__]),
        "examples": [{"payload": payload} for payload in examples],
    }


def _payload(models: list[str]) -> Json:
    references = [{"$ref": f"{_SCHEMA}{name}"} for name in models]
    return references[0] if len(references) == 1 else {"oneOf": references}


def _request_operations() -> Json:
    answers = {"connect": "connect_error", "subscribe": "subscribe_ack", "unsubscribe": "unsubscribe_ack"}
    return {
        f"receive_{name}": {
            "action": "receive",
            "channel": _CHANNEL,
            "summary": _SUMMARIES[name],
            "messages": [_message(name)],
            "reply": {"channel": _CHANNEL, "messages": [_message(answer)]},
        }
        for name, answer in answers.items()
    }


def _send_operation(name: str, message: Json) -> Json:
    return {"action": "send", "channel": _CHANNEL, "summary": message["summary"], "messages": [_message(name)]}


def _message(name: str) -> Json:
    return {"$ref": f"#/channels/namespace/messages/{name}"}

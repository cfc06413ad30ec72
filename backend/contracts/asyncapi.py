"""The AsyncAPI document: the relay's side of the socket, from the models of what is sent and received."""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from backend.contracts.relay_limits import relay_limits
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
from backend.relay.subscription import Subscription, Unsubscription
from shared.events import CONTRACT_VERSION, LiveEvent, LoggedEvent

Json = dict[str, Any]

_ABOUT = """\
A client connects with Socket.IO (path `/socket.io`, default namespace) and emits `subscribe` with the project's id and,
after a reconnect, the `seq` of the last event that it has of each session. The relay sends the events that it missed,
then the acknowledgement, then all further events. `seq` counts 1, 2, 3 ... in each session without gaps, so a plain
`socket.on` client gets every event once. Events are kept for seven days. An event has at most 200 KB: its largest field
then is null, and `href` says where to read it. Live events have no `seq` and are not stored.

Use WebSocket only, `io(url, {{ transports: ["websocket"], auth: {{ token }} }})`, or serve your page from the relay's
site. A cookie keeps polling clients on one relay, and browsers drop it for a page on another site: then half of the
requests reach another relay, which does not know the connection.

Limits: one connection subscribes to at most {max_rooms} projects, `after` names at most {max_after_sessions} sessions,
a packet has at most {max_packet_bytes} bytes, a client sends at most {max_packets_per_second:g} packets a second (in
bursts five times as many), and one user has at most {max_user_connections} connections to one relay. A request beyond a
limit is refused with a `code`. A client is disconnected if it sends too many or invalid packets, does not read (more
than {max_client_bytes} bytes are pending for it), or does not authenticate within {authentication_seconds:g} seconds;
the WebSocket is closed with 1008 and the reason, if the client still reads. A relay that stops closes its WebSockets
with 1012; one that is full or draining answers the handshake with 503 and the `code` `full` or `leaving`. After each of
these, Socket.IO clients reconnect after a pause; `subscribe` with `after` then brings what was missed.
"""
_CHANNEL = {"$ref": "#/channels/namespace"}
_SCHEMA = "#/components/schemas/"

# The requests of clients, and their answers.
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
    "subscribe": "Subscribe to a project; `after`: by session, the last `seq` that the client has. Safe to repeat.",
    "subscribe_ack": "The acknowledgement of `subscribe`.",
    "unsubscribe": "Unsubscribe from a project.",
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
            "description": _ABOUT.format_map(relay_limits()),
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

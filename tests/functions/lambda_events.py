"""The events of tests/events with their placeholders filled in."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from backend.app.api.application import ALL_ROUTES

Json = dict[str, Any]

_EVENTS = Path(__file__).parents[1] / "events"
_ROUTES = {route.name: route for route in ALL_ROUTES}
_PARAMETER = re.compile(r"{(\w+)}")


def event_of(name: str, **values: str) -> Json:
    """An event of the folder, with values in place of the names in braces."""
    text = (_EVENTS / f"{name}.json").read_text()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", json.dumps(value)[1:-1])
    event: Json = json.loads(text)
    return event


def http_event(
    name: str,
    *,
    body: object = None,
    text: str | None = None,
    query: str = "",
    in_base64: bool = False,
    headers: dict[str, str] | None = None,
    token: str = "",
    **ids: Any,
) -> Json:
    """A call of a route as API Gateway sends it: header names are in lower case.

    Args:
        name: of the route.
        body: the JSON to send; by default the route's example.
        text: the body as text, in place of `body`.
        query: the query string.
        in_base64: whether the body is encoded.
        headers: to add or to replace.
        token: the bearer token.
        ids: for the names in the route's path; others are ignored.
    """
    route = _ROUTES[name]
    parameters = {key: ids[key] for key in _PARAMETER.findall(route.path) if key in ids}
    path = route.path.format(**{key: parameters.get(key, "") for key in _PARAMETER.findall(route.path)})
    event = event_of("http_api", method=route.method, route=route.path, path=path, token=token)
    event["rawQueryString"] = query
    if parameters:
        event["pathParameters"] = parameters
    body = route.example if body is None else body
    if body is not None or text is not None:
        content = (json.dumps(body) if text is None else text).encode()
        event["headers"] |= {"content-type": "application/json", "content-length": str(len(content))}
        event["body"] = base64.b64encode(content).decode() if in_base64 else content.decode()
        event["isBase64Encoded"] = in_base64
    event["headers"] |= headers or {}
    return event


def notification_event(session_id: str, message_id: str, receipt_handle: str, group_id: str | None = None) -> Json:
    """A notification as the event source mapping hands it to run_turn, by default in its session's group."""
    notification = json.dumps({"session_id": session_id, "message_id": message_id})
    event = event_of("run_turn", session_id=session_id, receipt_handle=receipt_handle, notification=notification)
    event["Records"][0]["attributes"]["MessageGroupId"] = group_id or session_id
    return event


def content_of(answer: Json) -> bytes:
    """The body of an answer, as API Gateway would send it on."""
    body: str = answer["body"]
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def json_of(answer: Json, status: int) -> Json:
    """The JSON of an answer that must have this status."""
    content = content_of(answer)
    assert answer["statusCode"] == status, content[:2000]
    body: Json = json.loads(content)
    return body

"""The events of tests/events, filled in."""

import base64
import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_EVENTS = Path(__file__).parents[1] / "events"


def event_of(name: str, **values: str) -> Json:
    """An event of the folder, with what its names in braces stand for."""
    text = (_EVENTS / f"{name}.json").read_text()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", json.dumps(value)[1:-1])
    event: Json = json.loads(text)
    if "requestContext" in event:
        event["rawPath"] = event["requestContext"]["http"]["path"]
    return event


def http_event(
    name: str,
    *,
    body: object = None,
    text: str | None = None,
    query: str = "",
    in_base64: bool = False,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Json:
    """An HTTP event with another body, query or headers; header names in lower case, as the gateway sends them."""
    event = event_of(name, **values)
    if query:
        event["rawQueryString"] = query
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

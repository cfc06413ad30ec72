"""Handles the events of an HTTP API (payload format 2.0) with one route."""

import asyncio
import base64
import json
import logging
import time
from typing import Any

from mangum import Mangum

from backend.app.api.errors import problem
from backend.app.api.route import Route
from backend.app.api.services import Services
from backend.app.api.serving import serve_routes
from backend.app.domain.errors import shortened
from functions.event_handler import Flush, flush_events
from functions.telemetry import Handler, Json, Telemetry
from shared.problems import PROBLEM_JSON

logger = logging.getLogger(__name__)

_ENGINE = "aws"
_TEXT_TYPES = ["application/json", PROBLEM_JSON]
_ID_KEYS = ("project_id", "session_id", "message_id")
# The response is sent as JSON of at most 6 MB: escaping can double the body, base64 adds a third.
_SURELY_FITTING_CHARACTERS = 900_000
_MAX_RESPONSE_BYTES = 6_000_000


def http_handler(
    route: Route, services: Services, flush: Flush, telemetry: Telemetry, loop: asyncio.AbstractEventLoop
) -> Handler:
    """The handler over these services.

    Args:
        route: the route to serve.
        services: the use cases that it calls.
        flush: returns when the invocation has no more work; the process is frozen after that.
        telemetry: of this function.
        loop: handles all requests; connections and locks belong to it. It becomes the thread's loop, for Mangum.
    """
    asyncio.set_event_loop(loop)
    adapter = Mangum(serve_routes(services, [route], _ENGINE), lifespan="off", text_mime_types=_TEXT_TYPES)

    def handler(event: Json, context: Any) -> Json:
        began = time.perf_counter()
        telemetry.begin(context, **_keys_of(event))
        answer: Json = _deliverable(adapter(event, context))
        loop.run_until_complete(flush_events(flush, telemetry))
        took = (time.perf_counter() - began) * 1000
        status = answer["statusCode"]
        telemetry.logger.append_keys(**_ids_in(event, answer))
        logger.info("%s %s: %s", route.method, route.path, status, extra={"status": status, "latency_ms": round(took)})
        telemetry.count(f"Requests{status // 100}xx")
        telemetry.end(took)
        return answer

    return handler


def _keys_of(event: Json) -> dict[str, str]:
    """The keys of the request's log lines: its id at the gateway, and the ids in its path."""
    found = event.get("pathParameters") or {}
    ids = {name: shortened(str(found[name])) for name in _ID_KEYS if name in found}
    return {"request_id": event["requestContext"].get("requestId", ""), **ids}


def _ids_in(event: Json, answer: Json) -> dict[str, str]:
    """The ids that a request created, which are not in its path."""
    if event["requestContext"]["http"]["method"] != "POST" or answer["isBase64Encoded"]:
        return {}
    body = json.loads(answer["body"])
    return {name: body[name] for name in _ID_KEYS if isinstance(body.get(name), str)}


def _deliverable(answer: Json) -> Json:
    """The response in a form that the runtime accepts; a problem if it is too large in any form."""
    body: str = answer["body"]
    if answer["isBase64Encoded"] or len(body) <= _SURELY_FITTING_CHARACTERS:
        return answer
    encoded = base64.b64encode(body.encode()).decode()
    if len(encoded) <= _MAX_RESPONSE_BYTES:
        return {**answer, "body": encoded, "isBase64Encoded": True}
    logger.error("A response of %s bytes is too large to be sent", len(body))
    refusal = problem("answer_too_large", "The response is too large to be sent in one piece.")
    return {
        "statusCode": refusal.status_code,
        "headers": dict(refusal.headers),
        "body": bytes(refusal.body).decode(),
        "isBase64Encoded": False,
    }

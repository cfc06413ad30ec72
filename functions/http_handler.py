"""Answers the events of an HTTP API (payload format 2.0) with one route."""

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
# An answer travels as JSON of at most 6 MB: text inside of it can double, base64 grows by a third at any rate.
_SURELY_FITTING_CHARACTERS = 900_000
_LARGEST_ANSWER_BYTES = 6_000_000


def http_handler(
    route: Route, services: Services, flush: Flush, telemetry: Telemetry, loop: asyncio.AbstractEventLoop
) -> Handler:
    """The handler over these services.

    Args:
        route: the one to serve.
        services: what it calls.
        flush: returns when nothing of the invocation is left to do; the process is frozen after that.
        telemetry: of this function.
        loop: answers all requests; connections and locks belong to it. It becomes the thread's own: Mangum takes that.
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
    """What every log line of the request has: its id at the gateway, and the ids in its path."""
    found = event.get("pathParameters") or {}
    ids = {name: shortened(str(found[name])) for name in _ID_KEYS if name in found}
    return {"request_id": event["requestContext"].get("requestId", ""), **ids}


def _ids_in(event: Json, answer: Json) -> dict[str, str]:
    """The ids of what a request made: they are in no path."""
    if event["requestContext"]["http"]["method"] != "POST" or answer["isBase64Encoded"]:
        return {}
    told = json.loads(answer["body"])
    return {name: told[name] for name in _ID_KEYS if isinstance(told.get(name), str)}


def _deliverable(answer: Json) -> Json:
    """The answer in a form that the runtime can carry; where it is too large in any form, a problem instead."""
    body: str = answer["body"]
    if answer["isBase64Encoded"] or len(body) <= _SURELY_FITTING_CHARACTERS:
        return answer
    encoded = base64.b64encode(body.encode()).decode()
    if len(encoded) <= _LARGEST_ANSWER_BYTES:
        return {**answer, "body": encoded, "isBase64Encoded": True}
    logger.error("An answer of %s bytes is too large to be given", len(body))
    refusal = problem("answer_too_large", "The response is too large to be sent in one piece.")
    return {
        "statusCode": refusal.status_code,
        "headers": dict(refusal.headers),
        "body": bytes(refusal.body).decode(),
        "isBase64Encoded": False,
    }

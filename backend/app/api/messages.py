"""The routes under /messages."""

from typing import Annotated

from fastapi import Query, Response

from backend.app.api.dependencies import Id, ServicesDep, UserId
from backend.app.api.full_message import full_message_json
from backend.app.api.page_size import message_body
from backend.app.api.route import route
from backend.app.api.schemas.messages import FullMessageBody, MessageBody, ResponsePart


@route("GET", "/messages/{message_id}", "messages", codes=("message_not_found",))
async def get_message(message_id: Id, services: ServicesDep, user_id: UserId) -> MessageBody:
    """One message."""
    return message_body(await services.messages.get_message(user_id, message_id))


@route(
    "GET",
    "/messages/{message_id}/full",
    "messages",
    responses={200: {"model": FullMessageBody | ResponsePart}},
    codes=("message_not_found", "response_not_found", "invalid_input", "invalid_request"),
)
async def get_full_message(
    message_id: Id,
    services: ServicesDep,
    user_id: UserId,
    response_id: Annotated[str | None, Query(description="Only this model response.")] = None,
    part: Annotated[
        int | None,
        Query(ge=1, le=1_000_000, description="The number of a part of that response's JSON, if it is over 4 MB."),
    ] = None,
) -> Response:
    """All responses of the model to the message. Over 4 MB in total, each response is an `href` instead.

    The `href` of a single response over 4 MB is that of the first part of its JSON; each part has the next one's.
    """
    full = await services.messages.get_full_message(user_id, message_id)
    content = await services.offloader.run(full_message_json, full, response_id, part)
    return Response(content, media_type="application/json")


@route(
    "POST",
    "/messages/{message_id}/cancel",
    "messages",
    responses={202: {"model": MessageBody}},
    codes=("message_not_found", "event_log_busy"),
)
async def cancel_message(message_id: Id, services: ServicesDep, user_id: UserId, response: Response) -> MessageBody:
    """Cancel the message: 200 if it has ended, 202 until its worker has stopped it (about a second)."""
    message = await services.messages.cancel_message(user_id, message_id)
    response.status_code = 202 if message.status.is_open else 200
    return message_body(message)


ROUTES = (get_message, get_full_message, cancel_message)

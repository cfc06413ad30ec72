"""The routes under /messages."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from backend.app.api.bodies import (
    FullMessageBody,
    MessageBody,
    OpenAIResponseBody,
    ResponseBody,
    ToolCallBody,
)
from backend.app.api.dependencies import ServicesDep, UserId
from backend.app.api.page_size import MAX_PAGE_BYTES, json_bytes
from backend.app.domain.errors import ResponseNotFoundError, shortened
from backend.app.domain.message import ModelResponse
from backend.app.domain.message_service import FullMessage

router = APIRouter(tags=["messages"])


@router.get("/messages/{message_id}")
async def get_message(message_id: str, services: ServicesDep, user_id: UserId) -> MessageBody:
    """One message."""
    return MessageBody.model_validate(await services.messages.get_message(user_id, message_id))


@router.get("/messages/{message_id}/full")
async def get_full_message(
    message_id: str,
    services: ServicesDep,
    user_id: UserId,
    response_id: Annotated[str | None, Query(description="Only this model response.")] = None,
) -> FullMessageBody:
    """Everything the model said for the message. Over 4 MB the responses are `href`s, to be read one by one."""
    full = await services.messages.get_full_message(user_id, message_id)
    answers = [answer for answer in full.responses if response_id in (None, answer.response_id)]
    if response_id is not None and not answers:
        raise ResponseNotFoundError(
            f"The message has no model response {shortened(response_id)}.", session_id=full.message.session_id
        )
    return _full_body(full, answers, whole=response_id is not None)


@router.post("/messages/{message_id}/cancel", responses={202: {"model": MessageBody}})
async def cancel_message(message_id: str, services: ServicesDep, user_id: UserId, response: Response) -> MessageBody:
    """Cancel: 200 with the ended message, or 202 while its worker is still to notice (about a second)."""
    message = await services.messages.cancel_message(user_id, message_id)
    response.status_code = 202 if message.status.is_open else 200
    return MessageBody.model_validate(message)


def _full_body(full: FullMessage, answers: list[ModelResponse], *, whole: bool) -> FullMessageBody:
    body = FullMessageBody(
        message_id=full.message.message_id,
        session_id=full.message.session_id,
        model=full.message.model,
        usage=full.message.token_usage,
        tool_calls=[call for answer in answers for call in _tool_calls(answer)],
        openai_response=OpenAIResponseBody(responses=[ResponseBody.of(answer) for answer in answers]),
    )
    if whole or json_bytes(body) <= MAX_PAGE_BYTES:
        return body
    href = f"/messages/{full.message.message_id}/full?response_id="
    pointers = [
        one.model_copy(update={"response": None, "href": href + quote(one.response_id, safe="")})
        for one in body.openai_response.responses
    ]
    return body.model_copy(update={"tool_calls": [], "openai_response": OpenAIResponseBody(responses=pointers)})


def _tool_calls(answer: ModelResponse) -> list[ToolCallBody]:
    return [
        ToolCallBody(
            attempt=answer.attempt,
            agent=answer.agent,
            iteration=answer.iteration,
            call_id=item.get("call_id") or "",
            name=item.get("name") or "",
            arguments=item.get("arguments") or "",
        )
        for item in answer.body.get("output") or []
        if item.get("type") == "function_call"
    ]

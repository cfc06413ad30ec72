"""The model's responses to a message, as bodies of bounded size."""

import json
from typing import Any
from urllib.parse import quote

from backend.app.api.page_size import MAX_PAGE_BYTES, json_bytes
from backend.app.api.schemas.messages import (
    FullMessageBody,
    ModelResponseBody,
    OpenAIResponseBody,
    ResponsePart,
    ToolCallBody,
)
from backend.app.domain.errors import InvalidInputError, ResponseNotFoundError, shortened
from backend.app.domain.messages.message import ModelResponse
from backend.app.domain.messages.message_service import FullMessage
from backend.app.domain.storable_text import storable_json

# A part is JSON text within JSON: its quotes and backslashes are escaped to two characters.
_PART_CHARACTERS = MAX_PAGE_BYTES // 2 - 1_000


def full_message_json(full: FullMessage, response_id: str | None, part: int | None) -> bytes:
    """The message with all responses or with one (FullMessageBody), or a part of one (ResponsePart), as JSON.

    A message can have many MB, and parsing and serializing JSON blocks the process: offload it.
    Raises InvalidInputError, ResponseNotFoundError.
    """
    body = _full_message(full, response_id) if part is None else _response_part(full, response_id, part)
    return body.model_dump_json().encode()


def _full_message(full: FullMessage, response_id: str | None) -> FullMessageBody:
    """The responses, replaced by `href`s if they are too large for one body."""
    answers = _answers_of(full, response_id)
    body = FullMessageBody(
        message_id=full.message.message_id,
        session_id=full.message.session_id,
        model=full.message.model,
        usage=full.message.token_usage,
        tool_calls=[call for answer, response in answers for call in _tool_calls(answer, response)],
        openai_response=OpenAIResponseBody(responses=[ModelResponseBody.of(*answer) for answer in answers]),
    )
    sizes = [json_bytes(one) for one in body.openai_response.responses]
    if sum(sizes) <= MAX_PAGE_BYTES and json_bytes(body) <= MAX_PAGE_BYTES:
        return body
    alone = response_id is not None or len(answers) == 1
    pointers = [
        _pointer(full, one, in_parts=alone or size > MAX_PAGE_BYTES)
        for one, size in zip(body.openai_response.responses, sizes, strict=True)
    ]
    return body.model_copy(update={"tool_calls": [], "openai_response": OpenAIResponseBody(responses=pointers)})


def _response_part(full: FullMessage, response_id: str | None, part: int) -> ResponsePart:
    """A part of one response's JSON."""
    if response_id is None:
        raise InvalidInputError("`part` needs `response_id`.")
    ((_, response), *_) = _answers_of(full, response_id)
    # ASCII only: as many bytes as characters.
    text = json.dumps(response, separators=(",", ":"))
    parts = -(-len(text) // _PART_CHARACTERS)
    if part > parts:
        raise InvalidInputError(f"The response has {parts} parts; there is no part {part}.")
    return ResponsePart(
        message_id=full.message.message_id,
        session_id=full.message.session_id,
        response_id=response_id,
        part=part,
        parts=parts,
        text=text[(part - 1) * _PART_CHARACTERS : part * _PART_CHARACTERS],
        next_href=_part_href(full, response_id, part + 1) if part < parts else None,
    )


def _answers_of(full: FullMessage, response_id: str | None) -> list[tuple[ModelResponse, dict[str, Any]]]:
    """The requested responses, each with its parsed JSON."""
    # Older responses were stored as received, with text that cannot be encoded.
    answers = [
        (answer, storable_json(json.loads(answer.body)))
        for answer in full.responses
        if response_id in (None, answer.response_id)
    ]
    if response_id is not None and not answers:
        raise ResponseNotFoundError(
            f"The message has no model response {shortened(response_id)}.", session_id=full.message.session_id
        )
    return answers


def _pointer(full: FullMessage, body: ModelResponseBody, *, in_parts: bool) -> ModelResponseBody:
    href = _part_href(full, body.response_id, 1) if in_parts else _href(full, body.response_id)
    return body.model_copy(update={"response": None, "href": href})


def _href(full: FullMessage, response_id: str) -> str:
    return f"/messages/{full.message.message_id}/full?response_id={quote(response_id, safe='')}"


def _part_href(full: FullMessage, response_id: str, part: int) -> str:
    return f"{_href(full, response_id)}&part={part}"


def _tool_calls(answer: ModelResponse, response: dict[str, Any]) -> list[ToolCallBody]:
    return [
        ToolCallBody(
            attempt=answer.attempt,
            agent=answer.agent,
            iteration=answer.iteration,
            call_id=str(item.get("call_id") or ""),
            name=str(item.get("name") or ""),
            arguments=str(item.get("arguments") or ""),
        )
        for item in response.get("output") or []
        if isinstance(item, dict) and item.get("type") == "function_call"
    ]

"""The bodies of the routes of messages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backend.app.api.schemas.request_fields import Text
from backend.app.api.schemas.schema import DomainSchema, NextCursor, RequestSchema, ResponseSchema
from backend.app.domain.messages.message import MessageStatus, ModelResponse
from shared.event_fields import Agent, Attempt, Content, Href, Iteration, Iterations, Patch, ResponseId
from shared.token_usage import TokenUsage, TotalUsage


class SendMessageRequest(RequestSchema):
    """A prompt; sent again with the same `message_id`, it does not run again."""

    prompt: Annotated[
        Text,
        Field(
            description="At least one visible character; at most 32,000 bytes of UTF-8 (a setting).",
            # Only for the document: the domain refuses a blank prompt, with its own error code.
            json_schema_extra={"minLength": 1, "pattern": r"\S"},
        ),
    ]
    message_id: Annotated[UUID | None, Field(description="Not together with an `Idempotency-Key`.")] = None


class ErrorBody(DomainSchema):
    """Why a message failed or was cancelled; `code` is stable."""

    code: str
    detail: str


class MessageBody(DomainSchema):
    """A message; in a list a long field is null, and `href` is set."""

    message_id: str
    session_id: str
    project_id: str
    number: Annotated[int, Field(description="The position in the session: 1, 2, 3 ...")]
    prompt: str | None
    status: MessageStatus
    content: Content
    patch: Patch
    base_version: Annotated[int | None, Field(description="The version of the code that the patch applies to.")]
    version: Annotated[int | None, Field(description="The version of the code that the message made.")]
    token_usage: TotalUsage
    model: str | None
    iterations: Iterations
    attempt: Attempt
    error: ErrorBody | None
    created_at: datetime
    completed_at: datetime | None
    href: Href = None


class MessageList(ResponseSchema):
    """A page of a session's messages."""

    session_id: str
    messages: list[MessageBody]
    count: Annotated[int, Field(description="The number of messages of the session.")]
    next_cursor: NextCursor


class ToolCallBody(ResponseSchema):
    """A tool call of the model; `arguments` is the JSON text that it wrote."""

    attempt: Attempt
    agent: Agent
    iteration: Iteration
    call_id: str
    name: str
    arguments: str


class ModelResponseBody(ResponseSchema):
    """A model call; `response` is its complete JSON, or null with an `href` if all together are too large."""

    attempt: Attempt
    agent: Agent
    iteration: Iteration
    response_id: ResponseId
    model: str
    usage: TokenUsage
    response: dict[str, Any] | None
    href: Href = None

    @classmethod
    def of(cls, answer: ModelResponse, response: dict[str, Any]) -> "ModelResponseBody":
        """The model response as a response body, with its parsed JSON."""
        return cls(
            attempt=answer.attempt,
            agent=answer.agent,
            iteration=answer.iteration,
            response_id=answer.response_id,
            model=answer.model,
            usage=answer.usage,
            response=response,
        )


class OpenAIResponseBody(ResponseSchema):
    """All model calls of a message."""

    responses: list[ModelResponseBody]


class FullMessageBody(ResponseSchema):
    """All responses of the model to a message."""

    message_id: str
    session_id: str
    model: str | None
    usage: TokenUsage
    tool_calls: list[ToolCallBody]
    openai_response: OpenAIResponseBody


class ResponsePart(ResponseSchema):
    """A part of a model response over 4 MB: the `text`s of all parts, concatenated, are its JSON."""

    message_id: str
    session_id: str
    response_id: ResponseId
    part: int
    parts: int
    text: str
    next_href: Annotated[str | None, Field(description="The next part; null: this is the last one.")]

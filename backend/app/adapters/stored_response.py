"""A model response as both engines store it."""

from typing import Any, Protocol

from backend.app.domain.messages.message import ModelResponse
from shared.token_usage import TokenUsage

_FIELDS = ("attempt", "call", "agent", "iteration", "response_id", "model")


class Stored(Protocol):
    """A row or an item."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column or an attribute."""
        ...


def stored_response(response: ModelResponse) -> dict[str, Any]:
    """The fields of a response and its usage, without its message and its body."""
    return {**{name: getattr(response, name) for name in _FIELDS}, **response.usage.model_dump()}


def response_of(stored: Stored, message_id: str, usage: TokenUsage, body: str) -> ModelResponse:
    """The response of a row or an item."""
    return ModelResponse(message_id=message_id, usage=usage, body=body, **{name: stored[name] for name in _FIELDS})

"""A model that takes note of every response the moment it ends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from agents import Model, ModelResponse, ModelSettings, TResponseInputItem
from agents.items import TResponseStreamEvent
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest

from backend.app.domain.messages.message import Item
from backend.app.domain.storable_text import storable_json
from backend.app.domain.turns.agent_port import TurnRecorder
from backend.app.programs.models.model_failures import AnswerCutError, ReportedError
from backend.app.programs.models.response_shape import shaped_usage
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage

_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})
# What the agents can do something with. Other items are recorded, and the SDK is not shown them.
_ITEMS = frozenset({"message", "function_call", "reasoning"})
# A server's id or name for something may be long, but an event must have room for it.
_NAME_CHARACTERS = 512


class RecordingModel(Model):
    """Wraps a Responses model for one agent in one iteration, and puts the conversation so far before its input.

    Why here and not where the stream is consumed: when a run fails right after a response, the SDK's consumer never
    sees that response's end, and its tokens would be lost; responses that end incomplete or failed never get that far.
    """

    def __init__(
        self,
        inner: Model,
        recorder: TurnRecorder,
        agent: AgentName,
        iteration: int,
        *,
        model_name: str,
        history: Sequence[Item] = (),
    ) -> None:
        self._inner = inner
        self._recorder = recorder
        self._agent: AgentName = agent
        self._iteration = iteration
        self._model_name = model_name
        self._history = history

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK's signature
        model_settings: ModelSettings,
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        """Not offered: the agents stream, and only a stream shows the whole response. Raises NotImplementedError."""
        raise NotImplementedError("RecordingModel only streams")

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK's signature
        model_settings: ModelSettings,
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Stream the inner model's response, and record it when it ends, well or not.

        Raises ReportedError, AnswerCutError: the response is none to go on with; and whatever the inner model raises.
        """
        settings = _with_raw_input(model_settings, self._history, input)
        stream = self._inner.stream_response(system_instructions, [], settings, *args, **kwargs)
        ended = False
        async with aclosing(cast(Any, stream)) as events:
            async for event in events:
                if ended:
                    continue
                if event.type == "error":
                    raise ReportedError(event.code or "", getattr(event, "error_type", None) or "", event.message or "")
                if event.type in _ENDINGS:
                    ended = True
                    await self._record(event, model_settings.max_tokens)
                    event.response.output = [item for item in event.response.output if item.type in _ITEMS]
                if not event.type.startswith("response.output_item.") or event.item.type in _ITEMS:
                    yield event

    async def close(self) -> None:
        """Nothing: the inner model outlives its wrappers."""

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """What the inner model advises."""
        return self._inner.get_retry_advice(request)

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self._inner._cleanup_on_run_end(owner)

    async def _record(self, ending: Any, max_tokens: int | None) -> None:
        body = storable_json(ending.response.model_dump(mode="json", warnings=False))
        usage = _usage_of(body)
        await self._recorder.record_response(
            self._agent,
            self._iteration,
            response_id=str(body.get("id") or "")[:_NAME_CHARACTERS],
            model=str(body.get("model") or self._model_name)[:_NAME_CHARACTERS],
            usage=usage,
            body=body,
        )
        _require_whole(ending.type, body, usage.completion_tokens, max_tokens)


def _usage_of(body: Item) -> TokenUsage:
    usage = shaped_usage(body["usage"] if isinstance(body.get("usage"), dict) else {})
    return TokenUsage(
        prompt_tokens=usage["input_tokens"],
        completion_tokens=usage["output_tokens"],
        total_tokens=usage["total_tokens"],
        cached_tokens=usage["input_tokens_details"]["cached_tokens"],
        reasoning_tokens=usage["output_tokens_details"]["reasoning_tokens"],
    )


def _require_whole(kind: str, body: Item, tokens: int, max_tokens: int | None) -> None:
    """Raises ReportedError, AnswerCutError where the response is none to go on with."""
    if kind == "response.failed":
        error = body.get("error") or {}
        raise ReportedError(
            error.get("code") or "", error.get("type") or "", error.get("message") or "", billed=tokens > 0
        )
    if kind == "response.incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason")
        raise AnswerCutError(reason if isinstance(reason, str) else "", tokens)
    # Not every server says so when it stops at the limit.
    if max_tokens is not None and tokens == max_tokens:
        raise AnswerCutError("max_output_tokens", tokens)


def _with_raw_input(
    settings: ModelSettings, history: Sequence[Item], model_input: str | list[TResponseInputItem]
) -> ModelSettings:
    """The settings with history and input as `extra_body`, which the client sends as it is.

    The SDK copies and checks a history several times in each run, and the client walks a typed `input` on every call,
    all in pure Python: seconds for a long history, and the event loop stands still meanwhile. Both are plain JSON
    already (the history is whole turns that the SDK wrote), so nothing is lost.
    """
    items = [{"role": "user", "content": model_input}] if isinstance(model_input, str) else model_input
    extra_body = cast(dict[str, Any], settings.extra_body or {})
    return replace(settings, extra_body={**extra_body, "input": [*history, *items]})

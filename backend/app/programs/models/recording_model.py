"""A model that records every response when it ends."""

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
# The items that the agents use. Others are recorded, but not passed to the SDK.
_ITEMS = frozenset({"message", "function_call", "reasoning"})
# Ids and names of the server are cut to this length, so that they fit into an event.
_NAME_CHARACTERS = 512


class ResponseRecordingModel(Model):
    """Wraps a Responses model for one agent in one iteration, and prepends the conversation so far to its input.

    Responses are recorded here and not where the stream is consumed: when a run fails right after a response, the SDK's
    consumer never sees the end of that response, and its tokens would be lost. The same is true of responses that end
    incomplete or failed.
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
        """Not supported: the agents stream, and only a stream has the complete response. Raises NotImplementedError."""
        raise NotImplementedError("ResponseRecordingModel only streams")

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the SDK's signature
        model_settings: ModelSettings,
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Stream the inner model's response, and record it when it ends, complete or not.

        Raises ReportedError and AnswerCutError where the response is unusable, and what the inner model raises.
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
        """Do nothing: the inner model outlives its wrappers."""

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """The inner model's advice."""
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
        _require_complete(ending.type, body, usage.completion_tokens, max_tokens)


def _usage_of(body: Item) -> TokenUsage:
    usage = shaped_usage(body["usage"] if isinstance(body.get("usage"), dict) else {})
    return TokenUsage(
        prompt_tokens=usage["input_tokens"],
        completion_tokens=usage["output_tokens"],
        total_tokens=usage["total_tokens"],
        cached_tokens=usage["input_tokens_details"]["cached_tokens"],
        reasoning_tokens=usage["output_tokens_details"]["reasoning_tokens"],
    )


def _require_complete(kind: str, body: Item, tokens: int, max_tokens: int | None) -> None:
    """Raise ReportedError or AnswerCutError where the response is unusable."""
    if kind == "response.failed":
        error = body.get("error") or {}
        raise ReportedError(
            error.get("code") or "", error.get("type") or "", error.get("message") or "", billed=tokens > 0
        )
    if kind == "response.incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason")
        raise AnswerCutError(reason if isinstance(reason, str) else "", tokens)
    # Some servers do not report that they stopped at the limit.
    if max_tokens is not None and tokens == max_tokens:
        raise AnswerCutError("max_output_tokens", tokens)


def _with_raw_input(
    settings: ModelSettings, history: Sequence[Item], model_input: str | list[TResponseInputItem]
) -> ModelSettings:
    """The settings with history and input as `extra_body`, which the client sends unchanged.

    The SDK copies and checks a history several times per run, and the client transforms a typed `input` in each call,
    all in pure Python: for a long history this blocks the event loop for seconds. Both are plain JSON already (the
    history consists of complete turns that the SDK wrote), so nothing is lost.
    """
    items = [{"role": "user", "content": model_input}] if isinstance(model_input, str) else model_input
    extra_body = cast(dict[str, Any], settings.extra_body or {})
    return replace(settings, extra_body={**extra_body, "input": [*history, *items]})

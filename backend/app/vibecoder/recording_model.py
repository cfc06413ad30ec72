"""A model that takes note of every response the moment it ends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from agents import Model, ModelResponse, ModelSettings, TResponseInputItem
from agents.items import TResponseStreamEvent
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from openai.types.responses import Response

from backend.app.domain.agent_port import TurnRecorder
from backend.app.domain.message import Item
from shared.events import AgentName, TokenUsage

_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class RecordingModel(Model):
    """Wraps a Responses model for one agent in one iteration, and puts the conversation so far before its input.

    Why here and not where the stream is consumed: when a run fails right after a response, the SDK's consumer never
    sees that response's end, and its tokens would be lost; responses that end incomplete or failed never get that far.
    """

    def __init__(
        self, inner: Model, recorder: TurnRecorder, agent: AgentName, iteration: int, history: Sequence[Item] = ()
    ) -> None:
        self._inner = inner
        self._recorder = recorder
        self._agent: AgentName = agent
        self._iteration = iteration
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
        """Stream the inner model's response, and record it when it ends, well or not."""
        settings = _with_raw_input(model_settings, self._history, input)
        stream = self._inner.stream_response(system_instructions, [], settings, *args, **kwargs)
        async with aclosing(cast(Any, stream)) as events:
            async for event in events:
                if event.type in _ENDINGS:
                    await self._record(event.response)
                yield event

    async def close(self) -> None:
        """Nothing: the inner model outlives its wrappers."""

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """What the inner model advises."""
        return self._inner.get_retry_advice(request)

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self._inner._cleanup_on_run_end(owner)

    async def _record(self, response: Response) -> None:
        usage = response.usage
        await self._recorder.record_response(
            self._agent,
            self._iteration,
            response_id=response.id,
            model=str(response.model),
            usage=TokenUsage(
                prompt_tokens=usage.input_tokens if usage else 0,
                completion_tokens=usage.output_tokens if usage else 0,
                total_tokens=usage.total_tokens if usage else 0,
            ),
            body=response.model_dump(mode="json"),
        )


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

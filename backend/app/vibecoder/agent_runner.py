"""Runs VibeCoder and the Evaluator on the Agents SDK."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from agents import Model, ModelSettings, RunConfig, Runner
from agents.models.default_models import get_default_model_settings

from backend.app.domain.agent_port import Brief, Draft, Proposal, Review, TurnRecorder
from backend.app.domain.errors import TurnError
from backend.app.domain.message import Item
from backend.app.domain.ports import Offloader
from backend.app.memory.turn_session import TurnSession
from backend.app.vibecoder.agent import PatchDesk, input_items, show_code, vibecoder
from backend.app.vibecoder.evaluator import ReviewOutput, evaluator, review_text
from backend.app.vibecoder.model_errors import EXPECTED, is_key_refusal, model_retries, turn_error
from backend.app.vibecoder.recording_model import RecordingModel
from shared.events import AgentName

# Model calls of VibeCoder in one iteration: a patch, a few corrections, the closing words.
_MAX_CALLS = 8


class AgentRunner:
    """What the agents of a process share: the model and how it is called.

    `on_key_refused` is called whenever the model's server refuses the key: it may have been replaced.
    """

    def __init__(
        self,
        model: Model,
        model_name: str,
        offloader: Offloader,
        *,
        max_code_bytes: int,
        call_seconds: float,
        tracing: bool,
        on_key_refused: Callable[[], None],
    ) -> None:
        self._model = model
        self._on_key_refused = on_key_refused
        self._offloader = offloader
        self._max_code_bytes = max_code_bytes
        self._tracing = tracing
        self._settings = get_default_model_settings(model_name).resolve(
            ModelSettings(retry=model_retries(), timeout=call_seconds)
        )

    def begin_turn(self, history: Sequence[Item], recorder: TurnRecorder) -> "SdkAgentTurn":
        """See BeginAgentTurn."""
        return SdkAgentTurn(self, history, recorder)

    def run_config(
        self, recorder: TurnRecorder, agent: AgentName, iteration: int, history: Sequence[Item] = (), **more: Any
    ) -> RunConfig:
        """How one agent is run in one iteration, after a history."""
        return RunConfig(
            model=RecordingModel(self._model, recorder, agent, iteration, history),
            model_settings=self._settings,
            tracing_disabled=not self._tracing,
            tool_not_found_behavior="return_error_to_model",
            **more,
        )

    def failure(self, error: Exception) -> TurnError:
        """What an expected failure of a model (one of EXPECTED) means for the turn."""
        if is_key_refusal(error):
            self._on_key_refused()
        return turn_error(error)

    def open_desk(self, code: str) -> PatchDesk:
        """A place for patches to the code."""
        return PatchDesk(code, self._max_code_bytes, self._offloader)


class SdkAgentTurn:
    """The AgentTurn on the Agents SDK: all iterations of VibeCoder share one buffered conversation."""

    def __init__(self, runner: AgentRunner, history: Sequence[Item], recorder: TurnRecorder) -> None:
        self._runner = runner
        self._recorder = recorder
        self._history = history
        self._session = TurnSession("turn")

    async def write(self, brief: Brief) -> Draft:
        """See AgentTurn."""
        desk = self._runner.open_desk(brief.code)
        config = self._runner.run_config(
            self._recorder,
            "vibecoder",
            brief.iteration,
            self._history,
            call_model_input_filter=partial(show_code, brief),
        )
        try:
            run = Runner.run_streamed(
                vibecoder,
                input_items(brief),
                context=desk,
                session=self._session,
                run_config=config,
                max_turns=_MAX_CALLS,
            )
            async for event in run.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    self._recorder.stream_text("vibecoder", brief.iteration, event.data.delta)
        except EXPECTED as error:
            raise self._runner.failure(error) from error
        return Draft(content=str(run.final_output or ""), new_code=desk.new_code)

    async def review(self, proposal: Proposal) -> Review:
        """See AgentTurn."""
        config = self._runner.run_config(self._recorder, "evaluator", proposal.iteration)
        try:
            run = Runner.run_streamed(evaluator, review_text(proposal), run_config=config, max_turns=1)
            async for _ in run.stream_events():
                pass
            output = run.final_output_as(ReviewOutput, raise_if_incorrect_type=True)
        except EXPECTED as error:
            raise self._runner.failure(error) from error
        return Review(output.approved, output.reasoning, output.commit_message)

    def new_items(self) -> tuple[Item, ...]:
        """See AgentTurn."""
        return self._session.new_items()

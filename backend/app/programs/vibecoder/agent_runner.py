"""Runs VibeCoder and the Evaluator on the Agents SDK."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from agents import Model, ModelSettings, RunConfig, Runner
from agents.exceptions import MaxTurnsExceeded
from agents.models.default_models import get_default_model_settings

from backend.app.domain.blank_text import is_blank
from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Item
from backend.app.domain.ports import Offloader
from backend.app.domain.turns.agent_port import Brief, Draft, Proposal, Review, TurnRecorder
from backend.app.memory.history_items import documented_items
from backend.app.memory.turn_session import TurnSession
from backend.app.programs.models.model_client import Secrets
from backend.app.programs.models.model_errors import EXPECTED, is_key_refusal, turn_error
from backend.app.programs.models.model_retries import model_retries
from backend.app.programs.models.recording_model import ResponseRecordingModel
from backend.app.programs.vibecoder.agent import PatchState, ask_again, input_items, show_code, vibecoder
from backend.app.programs.vibecoder.evaluator import ReviewOutput, evaluator, review_text
from shared.event_fields import AgentName

logger = logging.getLogger(__name__)

# Model calls of VibeCoder in one iteration: a patch, a few corrections, the final text.
_MAX_CALLS = 8
# Model calls of the Evaluator for one review: a second one after an empty answer.
_MAX_REVIEW_CALLS = 2
# A review is a few sentences, but a reasoning model needs tokens to think first.
_REVIEW_SHARE = 4
_MIN_REVIEW_TOKENS = 1_024


def _ignore() -> None:
    """Do nothing: the key never changes."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How the agents call the model.

    Attributes:
        name: the model's name.
        call_seconds: the time limit of one call.
        max_output_tokens: the token limit of an answer of VibeCoder; the Evaluator's is lower.
        tracing: whether the SDK's traces are sent.
        secrets: the secrets to redact in the server's error messages.
        on_key_refused: called whenever the model's server refuses the key, which may have been replaced.
    """

    name: str
    call_seconds: float
    max_output_tokens: int
    tracing: bool = False
    secrets: Secrets = tuple
    on_key_refused: Callable[[], None] = _ignore

    def output_tokens(self, agent: AgentName) -> int:
        """The token limit of an answer of the agent."""
        if agent == "vibecoder":
            return self.max_output_tokens
        return min(self.max_output_tokens, max(self.max_output_tokens // _REVIEW_SHARE, _MIN_REVIEW_TOKENS))


class AgentRunner:
    """The model and its settings, shared by all turns of a process."""

    def __init__(self, model: Model, use: ModelUse, offloader: Offloader, *, max_code_bytes: int) -> None:
        self._model = model
        self._use = use
        self._offloader = offloader
        self._max_code_bytes = max_code_bytes
        self._settings = get_default_model_settings(use.name).resolve(ModelSettings(timeout=use.call_seconds))

    def begin_turn(self, history: Sequence[Item], recorder: TurnRecorder) -> "SdkAgentTurn":
        """See BeginAgentTurn."""
        return SdkAgentTurn(self, history, recorder)

    def run_config(
        self, recorder: TurnRecorder, agent: AgentName, iteration: int, history: Sequence[Item] = (), **more: Any
    ) -> RunConfig:
        """The configuration of one agent's run in one iteration, after a history."""
        model = ResponseRecordingModel(
            self._model, recorder, agent, iteration, model_name=self._use.name, history=history
        )
        settings = replace(
            self._settings,
            max_tokens=self._use.output_tokens(agent),
            retry=model_retries(partial(recorder.record_retry, agent, iteration), self._use.secrets),
        )
        return RunConfig(
            model=model,
            model_settings=settings,
            tracing_disabled=not self._use.tracing,
            tool_not_found_behavior="return_error_to_model",
            **more,
        )

    def failure(self, error: Exception) -> TurnError:
        """Convert an expected failure of a model (one of EXPECTED) into the turn's error."""
        if is_key_refusal(error):
            self._use.on_key_refused()
        found = turn_error(error, self._use.secrets())
        if found.code == "agent_failed":  # the SDK also wraps a bug in a tool like this
            logger.error("The agent cannot be run", exc_info=error)
        return found

    def new_patch_state(self, code: str) -> PatchState:
        """The state for patches to this code."""
        return PatchState(code, self._max_code_bytes, self._offloader)


class SdkAgentTurn:
    """The AgentTurn on the Agents SDK: all iterations of VibeCoder share one buffered conversation."""

    def __init__(self, runner: AgentRunner, history: Sequence[Item], recorder: TurnRecorder) -> None:
        self._runner = runner
        self._recorder = recorder
        self._stored_history = history
        self._history: tuple[Item, ...] | None = None
        self._session = TurnSession("turn")

    async def write(self, brief: Brief) -> Draft:
        """See AgentTurn."""
        if self._history is None:
            # Older turns were stored unfiltered. In a thread, because filtering a long history takes a while.
            self._history = await asyncio.to_thread(documented_items, self._stored_history)
        state = self._runner.new_patch_state(brief.code)
        content = await self._run_vibecoder(brief, state, input_items(brief))
        if state.new_code is None and is_blank(content):
            content = await self._run_vibecoder(brief, state, ask_again())
        if state.new_code is None and is_blank(content):
            raise TurnError("model_misbehaved", "The model's answer was empty twice.", retryable=False)
        return Draft(content=content, new_code=state.new_code)

    async def _run_vibecoder(self, brief: Brief, state: PatchState, items: list[Any]) -> str:
        """Run VibeCoder on the items. Returns its text."""
        config = self._runner.run_config(
            self._recorder,
            "vibecoder",
            brief.iteration,
            self._history or (),
            call_model_input_filter=partial(show_code, brief),
        )
        try:
            run = Runner.run_streamed(
                vibecoder, items, context=state, session=self._session, run_config=config, max_turns=_MAX_CALLS
            )
            async for event in run.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    self._recorder.stream_text("vibecoder", brief.iteration, event.data.delta)
        except EXPECTED as error:
            raise self._runner.failure(error) from error
        return str(run.final_output or "")

    async def review(self, proposal: Proposal) -> Review:
        """See AgentTurn."""
        config = self._runner.run_config(self._recorder, "evaluator", proposal.iteration)
        try:
            run = Runner.run_streamed(evaluator, review_text(proposal), run_config=config, max_turns=_MAX_REVIEW_CALLS)
            async for _ in run.stream_events():
                pass
            output = run.final_output_as(ReviewOutput, raise_if_incorrect_type=True)
        except MaxTurnsExceeded as error:
            detail = "The Evaluator's answer was empty twice."
            raise TurnError("model_misbehaved", detail, retryable=False) from error
        except EXPECTED as error:
            raise self._runner.failure(error) from error
        return Review(output.approved, output.reasoning, output.commit_message)

    def new_items(self) -> tuple[Item, ...]:
        """See AgentTurn."""
        return self._session.new_items()

"""The reference: a bare script that does a turn's agent run with the Agents SDK as its manual shows it.

It has Vibewire's agents, their tool and model settings, and gives the model the same; it has no store, no events, no
server, and the SDK's own OpenAIResponsesModel, AsyncOpenAI client and SQLiteSession. It reads commands as lines of
JSON, {"session": name, "turns": n, "items": m}, and answers each with one line.
"""

import asyncio
import json
import sys
import time
from functools import partial
from typing import Any

import openai
import uvloop
from agents import ModelSettings, OpenAIResponsesModel, RunConfig, Runner, SQLiteSession, set_tracing_disabled
from agents.models.default_models import get_default_model, get_default_model_settings

from backend.app.adapters.process_offloader import ProcessOffloader
from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.turns.agent_port import Brief, Proposal
from backend.app.programs.models.model_retries import model_retries
from backend.app.programs.vibecoder.agent import PatchState, input_items, show_code, vibecoder
from backend.app.programs.vibecoder.evaluator import ReviewOutput, evaluator, review_text
from backend.local.settings import LocalSettings
from tests.bench.conversation import CODE, PROJECT_NAME, history, request_of

_LIMITS = LocalSettings.model_validate({})
_OFFLOADER = ProcessOffloader()


async def _ignore(*_: object) -> None:
    """A repeated call is not reported."""


class BareTalk:
    """A conversation in a session of the SDK, with its own copy of the code."""

    def __init__(self, session: SQLiteSession, config: RunConfig) -> None:
        self._session = session
        self._config = config
        self._turns = 0
        self._code = CODE

    async def remember(self, items: int) -> None:
        """Put so many items of earlier turns into the session."""
        await self._session.add_items([item for turn in history(items) for item in turn])  # type: ignore[misc]

    async def turn(self) -> float:
        """One turn. The milliseconds from its start to the end of the model's first response."""
        began = time.perf_counter()
        prompt = request_of(self._turns)
        brief = Brief(PROJECT_NAME, self._code, self._turns + 1, 1, prompt)
        state = PatchState(self._code, _LIMITS.code_bytes, _OFFLOADER)
        self._config.call_model_input_filter = partial(show_code, brief)
        run = Runner.run_streamed(
            vibecoder, input_items(brief), context=state, session=self._session, run_config=self._config
        )
        first = 0.0
        async for event in run.stream_events():
            if not first and event.type == "raw_response_event" and event.data.type == "response.completed":
                first = (time.perf_counter() - began) * 1000
        if state.new_code is None:
            raise RuntimeError(f"The model changed nothing: {run.final_output}")
        await self._review(prompt, state.new_code)
        self._code = state.new_code
        self._turns += 1
        return first

    async def _review(self, prompt: str, new_code: str) -> None:
        proposal = Proposal(prompt, self._code, new_code, unified_diff(self._code, new_code), 1, ())
        self._config.call_model_input_filter = None
        run = Runner.run_streamed(evaluator, review_text(proposal), run_config=self._config)
        async for _ in run.stream_events():
            pass
        if not run.final_output_as(ReviewOutput).approved:
            raise RuntimeError("The Evaluator did not approve")


class BareScript:
    """All conversations of the process, in one file."""

    def __init__(self, model_url: str, path: str) -> None:
        name = get_default_model()
        client = openai.AsyncOpenAI(api_key="none", base_url=model_url)
        settings = ModelSettings(retry=model_retries(_ignore, tuple), timeout=_LIMITS.turn_seconds)
        self._model = OpenAIResponsesModel(model=name, openai_client=client)
        self._settings = get_default_model_settings(name).resolve(settings)
        self._path = path
        self._talks: dict[str, BareTalk] = {}

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Take so many turns in a session, which begins with so many items."""
        name = command["session"]
        talk = self._talks.get(name)
        if talk is None:
            config = RunConfig(model=self._model, model_settings=self._settings, tracing_disabled=True)
            talk = self._talks[name] = BareTalk(SQLiteSession(name, self._path), config)
            await talk.remember(command.get("items", 0))
        return {"first": [await talk.turn() for _ in range(command["turns"])]}


def main() -> None:
    """Obey until the input ends."""
    set_tracing_disabled(True)
    model_url, path = sys.argv[1:]
    script = BareScript(model_url, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(script.obey(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()

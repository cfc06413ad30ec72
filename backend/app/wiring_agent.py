"""Adds the agent to the wiring: the only wiring that loads the Agents SDK."""

from shared.empty_variables import remove_empty_variables

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import openai
from agents import OpenAIResponsesModel, set_tracing_disabled
from agents.models.default_models import get_default_model

from backend.app.domain.engine import Engine
from backend.app.domain.ports import Offloader
from backend.app.domain.sessions.erasure_service import ErasureService
from backend.app.domain.sessions.memory import Memory
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.turn_service import TurnService
from backend.app.programs.models.model_client import ModelHttpClient
from backend.app.programs.vibecoder.agent_runner import AgentRunner, ModelUse
from backend.app.settings import AppSettings

OPENAI_BASE_URL = "https://api.openai.com/v1"

_CONNECT_SECONDS = 5.0


class ModelKeyProvider(Protocol):
    """Provides the key of the model's server."""

    async def get(self) -> str:
        """The key; called before each model call."""
        ...

    def discard(self) -> None:
        """The key was refused: read it again before the next call."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What a worker calls. Close `client` after use."""

    turns: TurnService
    erasure: ErasureService
    abandoned: AbandonedTurnService
    client: openai.AsyncOpenAI


def build_agent_runner(
    settings: AppSettings,
    client: openai.AsyncOpenAI,
    http_client: ModelHttpClient,
    offloader: Offloader,
    on_key_refused: Callable[[], None],
) -> AgentRunner:
    """The agents on the model that the settings name. `on_key_refused`: see ModelUse."""
    set_tracing_disabled(not settings.tracing)
    name = settings.model or get_default_model()
    use = ModelUse(
        name,
        call_seconds=settings.turn_seconds,
        max_output_tokens=settings.max_output_tokens,
        tracing=settings.tracing,
        secrets=http_client.secrets,
        on_key_refused=on_key_refused,
    )
    model = OpenAIResponsesModel(model=name, openai_client=client)
    return AgentRunner(model, use, offloader, max_code_bytes=settings.code_bytes)


def build_client(
    settings: AppSettings, key: str | Callable[[], Awaitable[str]] | None, http_client: ModelHttpClient
) -> openai.AsyncOpenAI:
    """The client of the model's server, which closes its HTTP client. Close it after use."""
    # The client reads more of the environment than we hand it, and takes what is empty for a value. Our own processes
    # have removed that at their start; another process that builds a worker may not have.
    remove_empty_variables()
    return openai.AsyncOpenAI(
        api_key=key,
        # Never None: the client would look into the environment by itself.
        base_url=settings.openai_base_url or OPENAI_BASE_URL,
        max_retries=0,  # retries are the runner's: two layers would multiply
        timeout=openai.Timeout(None, connect=_CONNECT_SECONDS),  # the HTTP client has timeouts of its own
        http_client=http_client,
    )


def build_worker_services(
    settings: AppSettings,
    engine: Engine,
    memory: Memory,
    key: str | ModelKeyProvider | None,
    *,
    max_turns: int,
) -> WorkerServices:
    """The services of a worker on an engine and a memory; `max_turns` is how many turns all workers run concurrently.

    Use them in one event loop: the client's connections belong to it.
    """
    api_key, on_key_refused = (key, _keep_key) if key is None or isinstance(key, str) else (key.get, key.discard)
    http_client = ModelHttpClient(
        first_token_seconds=settings.model_first_token_seconds, silence_seconds=settings.model_timeout_seconds
    )
    client = build_client(settings, api_key, http_client)
    runner = build_agent_runner(settings, client, http_client, engine.offloader, on_key_refused)
    memory_sync = MemorySync(memory, engine.turns, settings.history_tokens)
    return WorkerServices(
        TurnService(engine, memory_sync, runner.begin_turn, settings),
        ErasureService(engine.erasure, memory, engine.clock, settings),
        AbandonedTurnService(engine, settings, max_turns=max_turns),
        client,
    )


def _keep_key() -> None:
    """A key of the settings cannot be read again."""

"""Engine and settings -> the services that clean up: no API, no agent, none of what those load."""

from dataclasses import dataclass

from backend.app.domain.authorization import Authorization
from backend.app.domain.engine import Engine
from backend.app.domain.sessions.erasure_service import ErasureService, MemoryErasure
from backend.app.domain.sessions.session_service import SessionService
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.settings import AwsSettings


@dataclass(frozen=True, slots=True)
class CleanUpServices:
    """What a schedule calls."""

    sessions: SessionService
    abandoned: AbandonedTurnService
    erasure: ErasureService


def build_clean_up_services(settings: AwsSettings, engine: Engine, memory: MemoryErasure) -> CleanUpServices:
    """The services that clean up on an engine, and on what erases memories."""
    authorization = Authorization(engine.access, engine.sessions, engine.messages)
    return CleanUpServices(
        SessionService(
            engine.sessions, engine.projects, engine.events, authorization, engine.bus, engine.clock, engine.ids
        ),
        AbandonedTurnService(
            engine.turns,
            engine.queue,
            engine.bus,
            engine.clock,
            engine.ids,
            settings,
            max_turns=settings.max_turns,
        ),
        ErasureService(engine.erasure, memory, engine.clock, settings),
    )

"""Builds the clean-up services, without loading what only the API or the agents need."""

from dataclasses import dataclass

from backend.app.domain.engine import Engine
from backend.app.domain.sessions.erasure_service import ErasureService, MemoryErasure
from backend.app.domain.sessions.session_service import SessionService
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.settings import AwsSettings


@dataclass(frozen=True, slots=True)
class CleanUpServices:
    """The services that run on a schedule."""

    sessions: SessionService
    abandoned: AbandonedTurnService
    erasure: ErasureService


def build_clean_up_services(settings: AwsSettings, engine: Engine, memory: MemoryErasure) -> CleanUpServices:
    """Build the services that clean up; `memory` erases memories."""
    return CleanUpServices(
        SessionService(engine),
        AbandonedTurnService(engine, settings, max_turns=settings.max_turns),
        ErasureService(engine.erasure, memory, engine.clock, settings),
    )

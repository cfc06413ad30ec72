"""Settings -> adapters -> services: the one place where the app's parts meet, the agent apart."""

from dataclasses import dataclass
from pathlib import Path

from backend.app.adapters.local_database import LocalDatabase
from backend.app.adapters.local_event_bus import LocalEndWatch, LocalEventBus
from backend.app.adapters.local_event_log import LocalEventLog
from backend.app.adapters.local_message_store import LocalMessageStore
from backend.app.adapters.local_project_store import LocalProjectStore
from backend.app.adapters.local_session_store import LocalSessionStore
from backend.app.adapters.local_turn_queue import LocalTurnQueue
from backend.app.adapters.local_turn_store import LocalTurnStore
from backend.app.adapters.system_clock import SystemClock
from backend.app.adapters.uuid7_ids import Uuid7Ids
from backend.app.domain.authorization import Authorization
from backend.app.domain.message_service import MessageService
from backend.app.domain.ports import Clock, IdGenerator
from backend.app.domain.project_service import ProjectService
from backend.app.domain.services import Services
from backend.app.domain.session_service import SessionService
from backend.app.settings import AppSettings
from shared.identity import Authenticator, LocalAuthenticator
from shared.jwt_authenticator import JwtAuthenticator


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """The adapters of the local engine on one SQLite file. Open `database` before use, close it after."""

    database: LocalDatabase
    projects: LocalProjectStore
    sessions: LocalSessionStore
    messages: LocalMessageStore
    turns: LocalTurnStore
    events: LocalEventLog
    queue: LocalTurnQueue
    bus: LocalEventBus
    end_watch: LocalEndWatch
    clock: Clock
    ids: IdGenerator


def build_local_engine(data_dir: Path, clock: Clock | None = None, ids: IdGenerator | None = None) -> LocalEngine:
    """The local engine's adapters over the files in a folder, with the time and ids of this machine by default."""
    clock, ids = clock or SystemClock(), ids or Uuid7Ids()
    database = LocalDatabase(data_dir / "vibewire.sqlite")
    bus = LocalEventBus()
    return LocalEngine(
        database=database,
        projects=LocalProjectStore(database),
        sessions=LocalSessionStore(database),
        messages=LocalMessageStore(database),
        turns=LocalTurnStore(database),
        events=LocalEventLog(database, clock),
        queue=LocalTurnQueue(database, clock, ids),
        bus=bus,
        end_watch=LocalEndWatch(bus),
        clock=clock,
        ids=ids,
    )


def build_authenticator(settings: AppSettings) -> Authenticator:
    """Who checks identities: tokens where the settings name their issuer, else everybody is the local user."""
    if settings.jwks_url and settings.jwt_issuer and settings.jwt_audience:
        return JwtAuthenticator(settings.jwks_url, settings.jwt_issuer, settings.jwt_audience)
    return LocalAuthenticator()


def build_services(settings: AppSettings, engine: LocalEngine) -> Services:
    """The services of the HTTP API on an engine."""
    authorization = Authorization(engine.projects, engine.sessions, engine.messages)
    sessions = SessionService(engine.sessions, engine.events, authorization, engine.bus, engine.clock, engine.ids)
    projects = ProjectService(engine.projects, sessions, authorization, engine.bus, engine.clock, engine.ids, settings)
    messages = MessageService(
        engine.messages,
        authorization,
        engine.queue,
        engine.bus,
        engine.end_watch,
        engine.clock,
        engine.ids,
        settings,
    )
    return Services(
        build_authenticator(settings), projects, sessions, messages, settings.wait_seconds, settings.max_body_bytes
    )

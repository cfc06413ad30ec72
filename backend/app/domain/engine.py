"""An engine: one adapter for each port."""

from dataclasses import dataclass

from backend.app.domain.messages.ports import CompletionWaiter, MessageStore, WaitSlots
from backend.app.domain.ports import Clock, EventBus, IdGenerator, Offloader, TurnQueue
from backend.app.domain.projects.ports import ProjectStore
from backend.app.domain.sessions.ports import ErasureStore, SessionStore
from backend.app.domain.turns.ports import TurnStore
from shared.access import AccessReader
from shared.event_log import EventLogReader


@dataclass(frozen=True, slots=True)
class Engine:
    """Adapters that belong together: they read and write the same data."""

    projects: ProjectStore
    access: AccessReader
    sessions: SessionStore
    erasure: ErasureStore
    messages: MessageStore
    turns: TurnStore
    events: EventLogReader
    queue: TurnQueue
    bus: EventBus
    completion_waiter: CompletionWaiter
    wait_slots: WaitSlots
    clock: Clock
    ids: IdGenerator
    offloader: Offloader

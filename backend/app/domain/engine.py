"""What an engine consists of: one adapter for each port."""

from dataclasses import dataclass

from backend.app.domain.ports import Clock, EndWatch, EventBus, IdGenerator, Offloader, TurnQueue, WaitSlots
from backend.app.domain.store_ports import ErasureStore, MessageStore, ProjectStore, SessionStore
from backend.app.domain.turn_store_port import TurnStore
from shared.access import AccessReader
from shared.event_log import EventLogReader


@dataclass(frozen=True, slots=True)
class Engine:
    """Adapters that belong together: they look at the same data."""

    projects: ProjectStore
    access: AccessReader
    sessions: SessionStore
    erasure: ErasureStore
    messages: MessageStore
    turns: TurnStore
    events: EventLogReader
    queue: TurnQueue
    bus: EventBus
    end_watch: EndWatch
    wait_slots: WaitSlots
    clock: Clock
    ids: IdGenerator
    offloader: Offloader

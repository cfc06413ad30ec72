"""A project with services and workers, for races: what turns do passes a gate, what the test does goes past it."""

from dataclasses import dataclass
from pathlib import Path

from backend.app.api.services import Services
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Item, Message, MessageStatus
from backend.app.domain.ports import TurnNotification
from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.sessions.erasure_service import ErasureService
from backend.app.domain.sessions.memory import Memory, MemoryRef
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.outcome import Done
from backend.app.domain.turns.turn_service import TurnService
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from shared.bus_messages import BusMessage
from shared.events import LoggedEvent, MessageCancelledEvent, MessageFailedEvent, VibecodeResponseEvent
from shared.token_usage import TokenUsage
from tests.races.gates import Gate, gated_engine, gated_memory
from tests.races.prompted_agents import PromptedAgents

USER = "local"
CODE = 'from agents import Agent\n\nassistant = Agent(name="Assistant")\n\nend = True\n'
ENDINGS = (VibecodeResponseEvent, MessageFailedEvent, MessageCancelledEvent)


def turn_service(
    engine: LocalEngine, memory: Memory, agents: PromptedAgents, gate: Gate | None, limits: Limits
) -> TurnService:
    """A worker's turns; with a gate, each of its calls passes it."""
    if gate is not None:
        engine, memory = gated_engine(engine, gate), gated_memory(memory, gate)
    memory_sync = MemorySync(memory, engine.turns, limits.history_tokens)
    return TurnService(engine, memory_sync, agents.begin_turn, limits)


@dataclass
class RaceFixture:
    """`raced` is the worker behind the gate, `calm` one without interference; `published` is what the bus carried."""

    engine: LocalEngine
    services: Services
    raced: TurnService
    calm: TurnService
    agents: PromptedAgents
    memory: SQLiteMemory
    erasure: ErasureService
    published: list[BusMessage]
    project_id: str

    async def session(self, node_id: str | None = None) -> Session:
        session, _ = await self.services.sessions.start_session(USER, self.project_id, node_id)
        return session

    async def send(self, session: Session, prompt: str) -> Message:
        return await self.services.messages.send_message(USER, session.session_id, prompt, wait_seconds=0)

    async def answer(self, message: Message, worker: TurnService | None = None) -> None:
        """Deliver the message's notification until it is done."""
        worker = worker or self.calm
        for _ in range(10):
            if (
                await worker.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
                == Done()
            ):
                return
        raise AssertionError("The notification was never answered")

    async def ask(self, session: Session, prompt: str) -> Message:
        """Send a prompt and have it run, with nothing in between."""
        message = await self.send(session, prompt)
        await self.answer(message)
        return await self.find(message)

    async def find(self, message: Message) -> Message:
        return await self.services.messages.get_message(USER, message.message_id)

    async def code(self) -> tuple[int, str]:
        project = await self.services.projects.get_project(USER, self.project_id)
        return project.version, project.code

    async def edit_by_hand(self, code: str) -> int:
        """Give the project new code on top of what it has; its version."""
        version, _ = await self.code()
        project = await self.services.projects.update_project(USER, self.project_id, code=code, base_version=version)
        return project.version

    async def versions(self) -> list[CodeVersion]:
        """The project's complete history, oldest first; its versions grow by one each."""
        last, _ = await self.code()
        found = [await self.engine.projects.find_code_version(self.project_id, number + 1) for number in range(last)]
        versions = [version for version in found if version is not None]
        assert [version.version for version in versions] == list(range(1, last + 1))
        listed = await self.engine.projects.list_code_versions(self.project_id, 100, None)
        assert [entry.version for entry in listed.items] == list(range(last, 0, -1))
        return versions

    async def events(self, session: Session) -> tuple[LoggedEvent, ...]:
        """The session's log, which has no gaps."""
        page = await self.services.sessions.list_events(USER, session.session_id, 0, 1000)
        assert [event.seq for event in page.events] == list(range(1, page.last_seq + 1))
        return page.events

    async def remembered(self, session: Session) -> tuple[int, list[Item]]:
        ref = MemoryRef(session.session_id, session.openai_session_key)
        snapshot = await self.memory.read_memory(ref, 100_000)
        return snapshot.last_number, list(snapshot.history)

    async def usage_of(self, message: Message) -> TokenUsage:
        """The sum over the stored model responses."""
        responses = await self.engine.messages.list_responses(message.message_id)
        return sum((response.usage for response in responses), TokenUsage())


async def open_race_fixture(
    engine: LocalEngine, folder: Path, gate: Gate | None = None, **limits: float
) -> RaceFixture:
    """A new project in the engine, whose memories lie in the folder. Limits by their names."""
    quick = {"cancel_check_seconds": 0.01, **limits}
    settings = LocalSettings.model_validate({"data_dir": folder, **quick})
    services = build_services(settings, engine)
    memory = SQLiteMemory(MemoryFiles(folder / "memory"))
    agents = PromptedAgents()
    published: list[BusMessage] = []
    engine.bus.listen(published.append)
    project = await services.projects.create_project(USER, "Support", CODE)
    return RaceFixture(
        engine,
        services,
        turn_service(engine, memory, agents, gate, settings),
        turn_service(engine, memory, agents, None, settings),
        agents,
        memory,
        ErasureService(engine.erasure, memory, engine.clock, settings),
        published,
        project.project_id,
    )


def ends_of(message: Message, events: tuple[LoggedEvent, ...] | list[BusMessage]) -> list[str]:
    """The names of the message's ending events, in order."""
    return [event.type for event in events if isinstance(event, ENDINGS) and event.message_id == message.message_id]


async def check_patch(fixture: RaceFixture, message: Message) -> None:
    """A completed message's patch leads from its base version to its version; one without has changed nothing."""
    assert message.status is MessageStatus.COMPLETED
    versions = await fixture.versions()
    made = [version for version in versions if version.message_id == message.message_id]
    assert message.base_version is not None
    if message.patch is None:
        assert (made, message.version) == ([], message.base_version)
        return
    (version,) = made
    assert (message.version, message.base_version) == (version.version, version.version - 1)
    assert message.patch == unified_diff(versions[version.version - 2].code, version.code)

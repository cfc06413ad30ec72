"""Agents that do what a test says, over a real engine: for the rules of turns, without a model."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Item, Message
from backend.app.domain.ports import TurnNotification
from backend.app.domain.projects.project import CodeVersion, Project, ProjectChange
from backend.app.domain.projects.workflow.workflow import read_workflow
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.agent_port import Brief, Draft, Proposal, Review, TurnRecorder
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.outcome import Outcome
from backend.app.domain.turns.turn_service import TurnService
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring_local import LocalEngine
from shared.events import LoggedEvent
from shared.token_usage import TokenUsage

CODE = 'from agents import Agent\n\nassistant = Agent(name="Assistant")\n'
USAGE = TokenUsage(prompt_tokens=10, completion_tokens=5, total_tokens=15)

Step = Draft | Review | Exception | Callable[[], Awaitable[Draft]]


@dataclass
class ScriptedAgents:
    """Plays its steps one after another; each is one model response of 15 tokens."""

    steps: list[Step]
    histories: list[tuple[Item, ...]] = field(default_factory=list)
    briefs: list[Brief] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)

    def begin_turn(self, history: Sequence[Item], recorder: TurnRecorder) -> "ScriptedTurn":
        self.histories.append(tuple(history))
        return ScriptedTurn(self, recorder)


class ScriptedTurn:
    def __init__(self, agents: ScriptedAgents, recorder: TurnRecorder) -> None:
        self._agents = agents
        self._recorder = recorder
        self._items: list[Item] = []
        self._calls = 0

    async def write(self, brief: Brief) -> Draft:
        self._agents.briefs.append(brief)
        await self._record("vibecoder", brief.iteration)
        step = self._agents.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        draft = step if isinstance(step, Draft | Review) else await step()
        assert isinstance(draft, Draft)
        self._items += [{"role": "user", "content": brief.prompt}, {"role": "assistant", "content": draft.content}]
        return draft

    async def review(self, proposal: Proposal) -> Review:
        self._agents.proposals.append(proposal)
        await self._record("evaluator", proposal.iteration)
        step = self._agents.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, Review)
        return step

    def new_items(self) -> tuple[Item, ...]:
        return tuple(self._items)

    async def _record(self, agent: str, iteration: int) -> None:
        self._calls += 1
        await self._recorder.record_response(
            "vibecoder" if agent == "vibecoder" else "evaluator",
            iteration,
            response_id=f"resp_{self._calls}",
            model="scripted",
            usage=USAGE,
            body={"object": "response", "output": []},
        )


@dataclass
class TurnFixture:
    """One project with one session, and a TurnService over scripted agents."""

    engine: LocalEngine
    agents: ScriptedAgents
    service: TurnService
    memory: SQLiteMemory
    memory_folder: Path
    project: Project
    session: Session

    async def queue(self, prompt: str = "Do it") -> Message:
        message, *_ = await self.engine.messages.queue_message(
            Message(
                message_id=self.engine.ids.new_id(),
                session_id=self.session.session_id,
                project_id=self.project.project_id,
                prompt=prompt,
                created_at=self.engine.clock.now(),
            ),
            20,
        )
        return message

    async def answer(self, message: Message) -> Outcome:
        """Deliver the message's notification once."""
        return await self.service.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")

    async def find(self, message: Message) -> Message:
        found = await self.engine.messages.find_message(message.message_id)
        assert found is not None
        return found

    async def code(self) -> tuple[int, str]:
        project = await self.engine.projects.find_project(self.project.project_id)
        assert project is not None
        return project.version, project.code

    async def edit_by_hand(self, code: str) -> None:
        """Give the project new code, on top of whatever it has."""
        version, _ = await self.code()
        now = self.engine.clock.now()
        made = CodeVersion(
            self.project.project_id, version + 1, code, read_workflow(code).nodes, None, "Edited by hand", now
        )
        await self.engine.projects.update_project(self.project.project_id, ProjectChange(code=made), now)

    async def events(self) -> tuple[LoggedEvent, ...]:
        page = await self.engine.events.read_events(self.project.project_id, self.session.session_id, 0)
        assert page is not None
        assert [event.seq for event in page.events] == list(range(1, len(page.events) + 1))
        return page.events

    async def remembered(self) -> tuple[int, tuple[Item, ...]]:
        snapshot = await self.memory.read_memory(self.ref, 100_000)
        return snapshot.last_number, snapshot.history

    @property
    def ref(self) -> MemoryRef:
        return MemoryRef(self.session.session_id, self.session.openai_session_key)


async def open_turn_fixture(
    engine: LocalEngine, folder: Path, steps: list[Step], limits: Limits, node_id: str | None = None
) -> TurnFixture:
    """A fixture with a fresh project and session, whose agents play the steps."""
    now = engine.clock.now()
    project = Project(engine.ids.new_id(), "Support", "local", (), CODE, 1, read_workflow(CODE).nodes, now, now)
    await engine.projects.create_project(project)
    session, _ = await engine.sessions.start_session(Session(engine.ids.new_id(), project.project_id, node_id, now))
    memory = SQLiteMemory(MemoryFiles(folder))
    agents = ScriptedAgents(steps)
    memory_sync = MemorySync(memory, engine.turns, limits.history_tokens)
    service = TurnService(engine, memory_sync, agents.begin_turn, limits)
    return TurnFixture(engine, agents, service, memory, folder, project, session)

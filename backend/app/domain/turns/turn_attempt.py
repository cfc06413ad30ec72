"""One attempt of a turn, from the memory to the answer that is kept."""

from dataclasses import dataclass

from backend.app.domain.errors import StaleBaseError, TurnError, TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import (
    CompletedTurn,
    Message,
    MessageError,
    MessageStatus,
    TurnAnswer,
)
from backend.app.domain.ports import Clock, EventBus, IdGenerator, Offloader, TurnQueue
from backend.app.domain.projects.ports import ProjectStore
from backend.app.domain.projects.project import CodeVersion, Project
from backend.app.domain.sessions.ports import SessionStore
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.agent_port import AgentTurn, BeginAgentTurn
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from backend.app.domain.turns.heartbeat import Heartbeat
from backend.app.domain.turns.iteration_loop import IterationLoop, rebase_answer
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.ports import TurnStore
from backend.app.domain.turns.turn_recorder import TurnEventRecorder
from shared.events import CodeChangedEvent, VibecodeResponseEvent


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What every turn of a process is run with."""

    turns: TurnStore
    projects: ProjectStore
    sessions: SessionStore
    memory: MemorySync
    begin_agent_turn: BeginAgentTurn
    queue: TurnQueue
    bus: EventBus
    clock: Clock
    ids: IdGenerator
    offloader: Offloader
    limits: Limits


class TurnAttempt:
    """Runs one attempt. Until the answer is stored it leaves nothing behind but usage, responses and events."""

    def __init__(self, parts: TurnParts, message: Message, receipt_handle: str) -> None:
        self._parts = parts
        self._message = message
        self.turn = message.turn
        self._recorder = TurnEventRecorder(self.turn, parts.turns, parts.bus, parts.clock, parts.ids)
        self._heartbeat = Heartbeat(self.turn, receipt_handle, parts.turns, parts.queue, parts.clock, parts.limits)
        self._work: IterationLoop | None = None

    async def run(self) -> None:
        """Answer the message.

        Raises TurnError, TurnCancelRequestedError, TurnFencedError; then the caller ends or repeats the turn.
        """
        ends_at = seconds_from_now(self._parts.limits.turn_seconds)
        try:
            session, agents, work = await self._prepare()
            while True:
                answer = await self._within(ends_at, work, await self._find_project())
                if await self._complete_or_merge(session, agents, answer):
                    return
                work.notice_newer_code()
        finally:
            self._recorder.close()

    async def announce_retry(self, reason: TurnError, seconds: float) -> None:
        """Log that the turn is begun again in so many seconds. Raises TurnFencedError."""
        await self._recorder.record_retry(None, None, reason, seconds)

    async def end(self, status: MessageStatus, error: MessageError) -> None:
        """End the message failed or cancelled. Raises TurnFencedError."""
        await self._recorder.record_end(status, error, self._work.iterations if self._work else 0)

    async def _prepare(self) -> tuple[Session, AgentTurn, IterationLoop]:
        session = await self._parts.sessions.find_session(self.turn.session_id)
        if session is None:
            raise TurnFencedError("the session was deleted")
        await self._recorder.record_start(self._message.prompt, session.last_seq)
        snapshot = await self._heartbeat.keep_alive_during(self._parts.memory.refresh(session))
        agents = self._parts.begin_agent_turn(snapshot.history, self._recorder)
        self._work = IterationLoop(
            agents,
            self._recorder,
            self._message.prompt,
            session.node_id,
            self._parts.limits.iterations,
            self._parts.offloader,
        )
        return session, agents, self._work

    async def _find_project(self) -> Project:
        project = await self._parts.projects.find_project(self.turn.project_id)
        if project is None:
            raise TurnFencedError("the project was deleted")
        return project

    async def _within(self, ends_at: float, work: IterationLoop, project: Project) -> TurnAnswer:
        try:
            async with deadline(ends_at):
                return await self._heartbeat.keep_alive_during(work.run(project))
        except DeadlineExceededError as error:
            seconds = self._parts.limits.turn_seconds
            raise TurnError("turn_deadline", f"The turn took more than {seconds:g} s.", retryable=False) from error

    async def _complete_or_merge(self, session: Session, agents: AgentTurn, answer: TurnAnswer) -> bool:
        """Keep the answer, if need be on top of code that changed meanwhile. False where the two do not go together."""
        while True:
            try:
                await self._complete(session, agents, answer)
            except StaleBaseError:
                merged = await self._heartbeat.keep_alive_during(self._rebase(answer))
                if merged is None:
                    return False
                answer = merged
            else:
                return True

    async def _rebase(self, answer: TurnAnswer) -> TurnAnswer | None:
        return await rebase_answer(answer, await self._find_project(), self._parts.offloader)

    async def _complete(self, session: Session, agents: AgentTurn, answer: TurnAnswer) -> None:
        items = agents.new_items()
        version = self._new_version(answer)
        draft = self._recorder.event(
            VibecodeResponseEvent,
            content=answer.content,
            patch=answer.patch,
            iterations=answer.iterations,
            base_version=answer.base_version,
            version=answer.base_version if version is None else version.version,
        )
        await self._parts.turns.store_items(self.turn, items)
        logged = await self._parts.turns.complete_turn(self.turn, answer, version, draft)
        await self._parts.memory.commit(
            session, self.turn, CompletedTurn(self.turn.number, self.turn.message_id, items)
        )
        await self._recorder.publish(logged)
        if version is not None:
            await self._tell_code_changed(version)

    def _new_version(self, answer: TurnAnswer) -> CodeVersion | None:
        if answer.new_code is None:
            return None
        return CodeVersion(
            project_id=self.turn.project_id,
            version=answer.base_version + 1,
            code=answer.new_code,
            nodes=answer.workflow.nodes,
            message_id=self.turn.message_id,
            commit_message=answer.commit_message,
            created_at=self._parts.clock.now(),
            nodes_truncated=answer.workflow.truncated,
        )

    async def _tell_code_changed(self, version: CodeVersion) -> None:
        await self._parts.bus.publish(
            CodeChangedEvent(
                event_id=self._parts.ids.new_id(),
                project_id=self.turn.project_id,
                session_id=self.turn.session_id,
                message_id=self.turn.message_id,
                created_at=version.created_at,
                version=version.version,
            )
        )

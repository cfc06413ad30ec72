"""One attempt of a turn, from reading the memory to storing the answer."""

from backend.app.domain.engine import Engine
from backend.app.domain.errors import StaleBaseError, TurnError, TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import (
    CompletedTurn,
    Message,
    MessageError,
    TurnAnswer,
)
from backend.app.domain.projects.project import CodeVersion, Project
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.agent_port import AgentTurn, BeginAgentTurn
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from backend.app.domain.turns.heartbeat import Heartbeat
from backend.app.domain.turns.iteration_loop import IterationLoop, rebase_answer
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.turn_recorder import EndedStatus, TurnEventRecorder


class TurnAttempt:
    """Runs one attempt. Until the answer is stored it changes nothing but usage, responses and events."""

    def __init__(
        self,
        engine: Engine,
        memory: MemorySync,
        begin_agent_turn: BeginAgentTurn,
        limits: Limits,
        message: Message,
        receipt_handle: str,
    ) -> None:
        self._engine = engine
        self._memory = memory
        self._begin_agent_turn = begin_agent_turn
        self._limits = limits
        self._message = message
        self.turn = message.turn
        self._recorder = TurnEventRecorder(self.turn, engine)
        self._heartbeat = Heartbeat(self.turn, receipt_handle, engine.turns, engine.queue, engine.clock, limits)
        self._loop: IterationLoop | None = None

    async def run(self) -> None:
        """Run the turn and store its answer.

        Raises TurnError, TurnCancelRequestedError, TurnFencedError; then the caller ends or retries the turn.
        """
        ends_at = seconds_from_now(self._limits.turn_seconds)
        try:
            session, agents, loop = await self._prepare()
            while True:
                answer = await self._run_with_deadline(ends_at, loop, await self._find_project())
                if await self._complete_or_merge(session, agents, answer):
                    return
                loop.restart_on_newer_code()
        finally:
            self._recorder.close()

    def log(self, milestone: str) -> None:
        """Log a milestone of the turn."""
        self._recorder.milestones.log(milestone)

    async def announce_retry(self, reason: TurnError, seconds: float) -> None:
        """Log that the turn is retried in so many seconds. Raises TurnFencedError."""
        await self._recorder.record_retry(None, None, reason, seconds)

    async def end(self, status: EndedStatus, error: MessageError) -> None:
        """End the message failed or cancelled. Raises TurnFencedError."""
        await self._recorder.record_end(status, error, self._loop.iterations if self._loop else 0)

    async def _prepare(self) -> tuple[Session, AgentTurn, IterationLoop]:
        session = await self._engine.sessions.find_session(self.turn.session_id)
        if session is None:
            raise TurnFencedError("the session was deleted")
        await self._recorder.record_start(self._message.prompt, session.last_seq)
        snapshot = await self._heartbeat.keep_alive_during(self._memory.refresh(session))
        agents = self._begin_agent_turn(snapshot.history, self._recorder)
        self._loop = IterationLoop(
            agents,
            self._recorder,
            self._message.prompt,
            session.node_id,
            self._limits.iterations,
            self._engine.offloader,
        )
        return session, agents, self._loop

    async def _find_project(self) -> Project:
        project = await self._engine.projects.find_project(self.turn.project_id)
        if project is None:
            raise TurnFencedError("the project was deleted")
        return project

    async def _run_with_deadline(self, ends_at: float, loop: IterationLoop, project: Project) -> TurnAnswer:
        try:
            async with deadline(ends_at):
                return await self._heartbeat.keep_alive_during(loop.run(project))
        except DeadlineExceededError as error:
            seconds = self._limits.turn_seconds
            raise TurnError("turn_deadline", f"The turn took more than {seconds:g} s.", retryable=False) from error

    async def _complete_or_merge(self, session: Session, agents: AgentTurn, answer: TurnAnswer) -> bool:
        """Store the answer, merged with newer code if there is any. False where the two changes conflict."""
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
        return await rebase_answer(answer, await self._find_project(), self._engine.offloader)

    async def _complete(self, session: Session, agents: AgentTurn, answer: TurnAnswer) -> None:
        items = agents.new_items()
        version = self._new_version(answer)
        await self._engine.turns.store_items(self.turn, items)
        logged = await self._recorder.record_answer(answer, version)
        await self._memory.commit(session, self.turn, CompletedTurn(self.turn.number, self.turn.message_id, items))
        await self._recorder.publish_answer(logged, version)

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
            created_at=self._engine.clock.now(),
            nodes_truncated=answer.workflow.truncated,
        )

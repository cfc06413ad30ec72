"""Users, workers and accidents in any sequence; after each action the promises are checked."""

import shutil

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.races.race_fixture import USER
from tests.stateful.promises import check_promises
from tests.stateful.sending_users import PICKS, SendingUsers

DAMAGES = st.sampled_from([None, b"", b"garbage " * 600])
# So that deletes have something to delete.
_BEFORE_DELETES = 5


class VibewireMachine(SendingUsers):
    """All rules: users also cancel, delete and edit, workers handle notifications, and accidents happen."""

    @precondition(lambda self: self.system.queue.pending)
    @rule(picks=st.lists(PICKS, min_size=2, max_size=5))
    def deliver(self, picks: list[int]) -> None:
        for pick in picks:
            if pending := self.system.queue.pending:
                self._run(self.system.deliver(pending.pop(pick % len(pending))))

    @precondition(lambda self: self.system.queue.pending)
    @rule(pick=PICKS, again=st.integers(1, 3))
    def deliver_over_and_over(self, pick: int, again: int) -> None:
        pending = self.system.queue.pending
        notification = pending[pick % len(pending)]
        for _ in range(again):
            self._run(self.system.deliver(notification))

    @precondition(lambda self: self.system.queue.pending)
    @rule(pick=PICKS)
    def drop(self, pick: int) -> None:
        self.system.queue.pending.pop(pick % len(self.system.queue.pending))

    @precondition(lambda self: self.system.agents.holds)
    @rule(picks=st.lists(PICKS, min_size=1, max_size=3))
    def let_go(self, picks: list[int]) -> None:
        for pick in picks:
            if self.system.agents.holds:
                self._run(self.system.let_go(pick))

    @precondition(lambda self: self.known.messages())
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        known = self._message(pick)
        message = self._run(self.system.services.messages.cancel_message(USER, known.message_id))
        assert known.ended in (None, message)
        assert message.cancel_requested or not message.status.is_open

    @precondition(lambda self: len(self.known.messages()) > _BEFORE_DELETES)
    @rule(pick=PICKS)
    def delete_session(self, pick: int) -> None:
        project, session = self._session(pick)
        self._run(self.system.services.sessions.delete_session(USER, session.session_id))
        self.known.mark_session_deleted(project, session)

    @precondition(lambda self: len(self.known.projects) > 1 and len(self.known.messages()) > _BEFORE_DELETES)
    @rule(pick=PICKS)
    def delete_project(self, pick: int) -> None:
        project = self.known.projects[pick % len(self.known.projects)]
        self._run(self.system.services.projects.delete_project(USER, project.project_id))
        self.known.mark_project_deleted(project)

    @precondition(lambda self: self.system.agents.begun)
    @rule(at_the_end=st.booleans())
    def edit_by_hand(self, at_the_end: bool) -> None:
        for project in self.known.projects:
            self._prompts += 1
            line = f"by_hand_{self._prompts} = 1\n"
            found = self._run(self.system.services.projects.get_project(USER, project.project_id))
            code = found.code + line if at_the_end else line + found.code
            edit = self.system.services.projects.update_project(
                USER, project.project_id, code=code, base_version=found.version
            )
            project.by_hand[self._run(edit).version] = code

    @precondition(lambda self: self.known.messages())
    @rule(killed=st.booleans())
    def restart(self, killed: bool) -> None:
        self._run(self.system.restart(killed=killed))

    @precondition(lambda self: self.known.messages())
    @rule(seconds=st.sampled_from([5.0, 61.0, 125.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.system.clock.advance(seconds)

    @precondition(lambda self: self.known.messages())
    @rule()
    def close_abandoned_turns(self) -> None:
        self._run(self.system.close_abandoned_turns())

    @precondition(lambda self: self.known.deleted_sessions)
    @rule()
    def erase(self) -> None:
        self._run(self.system.erase())

    @precondition(lambda self: self.system.agents.begun)
    @rule(damage=DAMAGES)
    def damage_memory(self, damage: bytes | None) -> None:
        for _, session in self.known.sessions():
            self._run(self.system.damage_memory(session.session, damage))

    @invariant()
    def the_promises_hold(self) -> None:
        self._run(check_promises(self.system, self.known))

    def teardown(self) -> None:
        """In the end every message has ended, once; then everything is put away."""
        try:
            self._run(self._drain())
        finally:
            self._run(self.system.close())
            self._runner.close()
            shutil.rmtree(self._folder)

    async def _drain(self) -> None:
        await self.system.run_until_nothing_is_open([session.session_id for _, session in self.known.sessions()])
        await check_promises(self.system, self.known)
        assert all(message.ended is not None for message in self.known.messages())

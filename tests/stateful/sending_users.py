"""The rules of a state machine in which users create projects and sessions, and send messages."""

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from backend.app.domain.errors import MessageIdConflictError, TooManyQueuedMessagesError
from backend.app.domain.messages.message import Message, MessageStatus
from tests.races.prompted_agents import WORDS
from tests.races.race_fixture import CODE, USER
from tests.stateful.model import Known, KnownMessage, KnownProject, KnownSession
from tests.stateful.system import QUEUE_LIMIT, TestSystem

T = TypeVar("T")

# Which of several things is meant; whatever the number, there is one.
PICKS = st.integers(0, 30)
NODES = st.sampled_from([None, "assistant", "triage"])
PROMPT_WORDS = st.lists(st.sampled_from([*WORDS, "add", "top"]), min_size=1, max_size=3)
_MOST_PROJECTS = 2


class SendingUsers(RuleBasedStateMachine):
    """Users create projects and sessions, and send messages; `known` is the expected state."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        # Where the memory's files need no disk to be safe on, they are much quicker.
        memory_disk = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder in it
        self._folder = Path(tempfile.mkdtemp(dir=memory_disk if memory_disk.is_dir() else None))
        self._prompts = 0
        self.known = Known()
        self.system = TestSystem(self._folder)
        self._run(self.system.open())

    def _run(self, action: Awaitable[T]) -> T:
        async def do() -> T:
            return await action

        return self._runner.run(do())

    def _prompt(self, word: str, *, slow: bool) -> str:
        self._prompts += 1
        return f"{word}{' slow' if slow else ''} p{self._prompts}"

    def _session(self, pick: int) -> tuple[KnownProject, KnownSession]:
        sessions = self.known.sessions()
        return sessions[pick % len(sessions)]

    def _message(self, pick: int) -> KnownMessage:
        messages = self.known.messages()
        return messages[pick % len(messages)]

    @initialize()
    def begin(self) -> None:
        self.create_project()
        for node_id in (None, "assistant"):
            self.start_session(0, node_id)

    @precondition(lambda self: len(self.known.projects) < _MOST_PROJECTS)
    @rule()
    def create_project(self) -> None:
        project = self._run(self.system.services.projects.create_project(USER, "Support", CODE))
        self.known.projects.append(KnownProject(project.project_id, {1: CODE}))

    @precondition(lambda self: self.known.projects)
    @rule(pick=PICKS, node_id=NODES)
    def start_session(self, pick: int, node_id: str | None) -> None:
        project = self.known.projects[pick % len(self.known.projects)]
        start = self.system.services.sessions.start_session(USER, project.project_id, node_id)
        session, is_new = self._run(start)
        assert is_new is (node_id not in project.sessions)
        if not is_new:
            assert session.session_id == project.sessions[node_id].session_id
            return
        assert session.session_id not in self.known.deleted_sessions
        assert (session.message_count, session.last_seq, session.completed_number) == (0, 0, 0)
        project.sessions[node_id] = KnownSession(session)

    @precondition(lambda self: self.known.sessions())
    @rule(pick=PICKS, words=PROMPT_WORDS, slow=st.booleans())
    def send(self, pick: int, words: list[str], slow: bool) -> None:
        for word in words:
            self._send(self._session(pick)[1], word, slow=slow, key=None)

    @precondition(lambda self: self.known.sessions())
    @rule(pick=PICKS, word=st.sampled_from(WORDS), key=st.sampled_from(["a", "b"]))
    def send_with_a_key(self, pick: int, word: str, key: str) -> None:
        self._send(self._session(pick)[1], word, slow=False, key=key)

    def _send(self, session: KnownSession, word: str, *, slow: bool, key: str | None) -> None:
        prompt = self._prompt(word, slow=slow)
        send = self.system.services.messages.send_message(
            USER, session.session_id, prompt, idempotency_key=key, wait_seconds=0
        )
        if key in session.keys:
            with pytest.raises(MessageIdConflictError):
                self._run(send)
        elif self._waiting(session) >= QUEUE_LIMIT:
            with pytest.raises(TooManyQueuedMessagesError):
                self._run(send)
        else:
            self._accept(session, self._run(send), prompt, key)

    def _waiting(self, session: KnownSession) -> int:
        find = self.system.services.messages.get_message
        found = [self._run(find(USER, message.message_id)) for message in session.messages]
        return sum(message.status is MessageStatus.QUEUED for message in found)

    def _accept(self, session: KnownSession, message: Message, prompt: str, key: str | None) -> None:
        assert (message.status, message.number) == (MessageStatus.QUEUED, len(session.messages) + 1)
        known = KnownMessage(message.message_id, session.session_id, prompt, message.number)
        session.messages.append(known)
        if key is not None:
            session.keys[key] = known

    @precondition(lambda self: self.known.messages())
    @rule(pick=PICKS, other_prompt=st.booleans())
    def send_again(self, pick: int, other_prompt: bool) -> None:
        known = self._message(pick)
        prompt = self._prompt("say", slow=False) if other_prompt else known.prompt
        send = self.system.services.messages.send_message(
            USER, known.session_id, prompt, message_id=known.message_id, wait_seconds=0
        )
        if other_prompt:
            with pytest.raises(MessageIdConflictError):
                self._run(send)
        else:
            message = self._run(send)
            assert (message.message_id, message.number) == (known.message_id, known.number)
            assert known.ended in (None, message)

    @precondition(lambda self: any(session.keys for _, session in self.known.sessions()))
    @rule(pick=PICKS)
    def send_again_by_key(self, pick: int) -> None:
        keys = [(session, key) for _, session in self.known.sessions() for key in session.keys]
        session, key = keys[pick % len(keys)]
        known = session.keys[key]
        send = self.system.services.messages.send_message(
            USER, session.session_id, known.prompt, idempotency_key=key, wait_seconds=0
        )
        assert self._run(send).message_id == known.message_id

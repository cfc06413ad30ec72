"""The promises, checked on the product against what is known: they hold at any time, whatever is going on."""

from collections import Counter

import pytest

from backend.app.domain.errors import MessageNotFoundError, ProjectNotFoundError, SessionNotFoundError
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.project import CodeVersion
from shared.events import LoggedEvent
from shared.token_usage import TokenUsage
from tests.races.prompted_agents import answer_of, items_of, line_of
from tests.races.race_fixture import USER, ends_of
from tests.stateful.model import Known, KnownProject, KnownSession
from tests.stateful.system import TestSystem

END_EVENTS = {
    MessageStatus.COMPLETED: ["vibecode_response"],
    MessageStatus.FAILED: ["message_failed"],
    MessageStatus.CANCELLED: ["message_cancelled"],
    MessageStatus.QUEUED: [],
    MessageStatus.RUNNING: [],
}


async def check_promises(system: TestSystem, known: Known) -> None:
    for project, session in known.sessions():
        messages = await _check_messages(system, session)
        events = await _events_of(system, session)
        _check_events(messages, events)
        await _check_usage(system, session, messages)
        assert project.project_id == session.session.project_id
    for project in known.projects:
        await _check_code(system, project)
    await _check_deleted(system, known)
    _check_histories(system, known)


async def _check_messages(system: TestSystem, session: KnownSession) -> list[Message]:
    """The messages are those that were accepted, in their order; what has ended stays as it is."""
    _, page = await system.services.messages.list_messages(USER, session.session_id, 1000, None, ascending=True)
    assert [(one.message_id, one.number, one.prompt) for one in page.items] == [
        (known.message_id, known.number, known.prompt) for known in session.messages
    ]
    assert [message.number for message in page.items] == list(range(1, len(page.items) + 1))
    for known, message in zip(session.messages, page.items, strict=True):
        assert known.ended in (None, message)
        known.ended = None if message.status.is_open else message
        assert message.attempt <= 4  # three, and one for a cancel from outside
        if message.status is MessageStatus.FAILED:
            assert message.error is not None
            assert message.error.code in _failures_of(message.prompt)
    assert sum(message.status is MessageStatus.RUNNING for message in page.items) <= 1
    return list(page.items)


def _failures_of(prompt: str) -> set[str]:
    """Why a message may fail: what its prompt asks for, or what befell it from outside."""
    failure = {"reject": "not_approved", "limp": "model_unavailable", "break": "model_quota"}
    return {"attempts_spent", failure.get(prompt.partition(" ")[0], "conflict")}


async def _events_of(system: TestSystem, session: KnownSession) -> list[LoggedEvent]:
    page = await system.services.sessions.list_events(USER, session.session_id, 0, 10_000)
    assert [event.seq for event in page.events] == list(range(1, page.last_seq + 1))
    assert not page.truncated
    return list(page.events)


def _check_events(messages: list[Message], events: list[LoggedEvent]) -> None:
    """Each message ends once, as its status says; turns begin, run and are answered in the order of the messages."""
    number_of = {message.message_id: message.number for message in messages}
    for message in messages:
        assert ends_of(message, tuple(events)) == END_EVENTS[message.status]
    # A cancel from outside ends a message that waits; all else comes from turns, one after another.
    by_turns = [event.model_dump() for event in events if event.type != "message_cancelled"]
    turns = [(number_of[event["message_id"]], event["attempt"]) for event in by_turns]
    assert turns == sorted(turns)
    assert Counter(event.type for event in events)["vibecode_response"] == sum(
        message.status is MessageStatus.COMPLETED for message in messages
    )


async def _check_usage(system: TestSystem, session: KnownSession, messages: list[Message]) -> None:
    """Each message has used what its stored responses say; the session sums up what has ended."""
    for message in messages:
        responses = await system.engine.messages.list_responses(message.message_id)
        assert message.token_usage == sum((response.usage for response in responses), TokenUsage())
    ended = [message.token_usage for message in messages if not message.status.is_open]
    found = await system.services.sessions.get_session(USER, session.session_id)
    assert found.token_usage == sum(ended, TokenUsage())
    assert found.message_count == len(messages)


async def _check_code(system: TestSystem, project: KnownProject) -> None:
    """The history is made of what people and completed messages changed, each on top of the version before."""
    current = await system.services.projects.get_project(USER, project.project_id)
    versions = [
        version
        for number in range(1, current.version + 1)
        if (version := await system.engine.projects.find_code_version(project.project_id, number)) is not None
    ]
    assert [version.version for version in versions] == list(range(1, current.version + 1))
    assert versions[-1].code == current.code
    by_hand = {version.version: version.code for version in versions if version.message_id is None}
    assert by_hand == project.by_hand
    completed = {
        message.ended.message_id: message.ended
        for session in project.sessions.values()
        for message in session.messages
        if message.ended is not None and message.ended.status is MessageStatus.COMPLETED
    }
    by_messages = [version.message_id for version in versions if version.message_id in completed]
    assert sorted(by_messages) == sorted(one.message_id for one in completed.values() if one.patch is not None)
    for message in completed.values():
        _check_answer(message, versions)


def _check_answer(message: Message, versions: list[CodeVersion]) -> None:
    assert message.content == answer_of(message.prompt)
    assert message.base_version is not None
    assert message.version is not None
    if message.patch is None:
        assert message.version == message.base_version
        return
    base, new = versions[message.base_version - 1], versions[message.version - 1]
    assert (new.message_id, message.version) == (message.message_id, message.base_version + 1)
    assert message.patch == unified_diff(base.code, new.code)
    before, after = Counter(base.code.splitlines(keepends=True)), Counter(new.code.splitlines(keepends=True))
    assert after - before == Counter([line_of(message.prompt)])
    assert not before - after


async def _check_deleted(system: TestSystem, known: Known) -> None:
    """What was deleted answers nothing any more."""
    for project_id in known.deleted_projects:
        with pytest.raises(ProjectNotFoundError):
            await system.services.projects.get_project(USER, project_id)
    for session_id in known.deleted_sessions:
        with pytest.raises(SessionNotFoundError):
            await system.services.sessions.get_session(USER, session_id)
        assert await system.engine.turns.find_open_message(session_id) is None
    for message in known.deleted_messages:
        with pytest.raises(MessageNotFoundError):
            await system.services.messages.get_message(USER, message.message_id)


def _check_histories(system: TestSystem, known: Known) -> None:
    """Each turn was given what the completed ones before it in its own session said, and nothing else."""
    for prompt, history in system.agents.histories:
        message = known.message_of(prompt)
        everything = [*known.messages(), *known.deleted_messages]
        before = [
            one
            for one in everything
            if one.session_id == message.session_id and one.number < message.number and one.ended is not None
        ]
        expected = [item for one in before if _completed(one.ended) for item in items_of(one.prompt)]
        assert list(history) == expected
    system.agents.histories.clear()


def _completed(message: Message | None) -> bool:
    return message is not None and message.status is MessageStatus.COMPLETED

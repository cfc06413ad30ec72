"""What the contract suites start from: things that are stored already, and drafts of events."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from backend.app.domain.engine import Engine
from backend.app.domain.messages.message import (
    Item,
    Message,
    MessageStatus,
    ModelResponse,
    TurnAnswer,
    TurnRef,
)
from backend.app.domain.projects.project import CodeVersion, Project
from backend.app.domain.projects.workflow.workflow import Node
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.ports import ClaimResult
from shared.events import (
    MessageCancelledEvent,
    MessageFailedEvent,
    SessionDeletedEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)
from shared.token_usage import TokenUsage
from tests.contract.event_builders import (
    DELETED,
    FAILURE,
    USAGE,
    answer_event,
    cancelled_event,
    deleted_event,
    failed_event,
    usage_event,
)

# Something that a worker does to its turn.
TurnWrite = Callable[[Engine, TurnRef], Awaitable[Any]]

QUEUE_LIMIT = 20
MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=60)
ITEMS: tuple[Item, ...] = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"})
# Cursors that no list ever gave out, some of them of a form that one might.
MADE_UP_CURSORS = ("", "made-up", "AAAA", "%%%%", "é", "bm90LWEtcHJvamVjdA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk")


def draft_project(
    engine: Engine, *, name: str = "Weather", owner: str = "ann", members: tuple[str, ...] = ()
) -> Project:
    now = engine.clock.now()
    return Project(
        project_id=engine.ids.new_id(),
        name=name,
        owner=owner,
        members=members,
        code="code = 1\n",
        version=1,
        nodes=(Node("triage", ("billing",), ("search",)), Node("billing", (), ())),
        created_at=now,
        updated_at=now,
    )


async def stored_project(
    engine: Engine, *, name: str = "Weather", owner: str = "ann", members: tuple[str, ...] = ()
) -> Project:
    project = draft_project(engine, name=name, owner=owner, members=members)
    await engine.projects.create_project(project)
    return project


def next_version(engine: Engine, project: Project, number: int = 2, message_id: str | None = None) -> CodeVersion:
    return CodeVersion(
        project_id=project.project_id,
        version=number,
        code=f"code = {number}\n",
        nodes=(Node(f"agent_{number}", (), ()),),
        message_id=message_id,
        commit_message=f"Version {number}",
        created_at=engine.clock.now(),
    )


def draft_session(engine: Engine, project: Project, node_id: str | None = None) -> Session:
    return Session(engine.ids.new_id(), project.project_id, node_id, engine.clock.now())


async def stored_session(engine: Engine, project: Project | None = None, *, node_id: str | None = None) -> Session:
    session, is_new = await engine.sessions.start_session(
        draft_session(engine, project or await stored_project(engine), node_id)
    )
    assert is_new
    return session


def draft_message(engine: Engine, session: Session, prompt: str = "Make it rain") -> Message:
    return Message(engine.ids.new_id(), session.session_id, session.project_id, prompt, engine.clock.now())


async def queued_message(engine: Engine, session: Session, prompt: str = "Make it rain") -> Message:
    message, is_new, _ = await engine.messages.queue_message(draft_message(engine, session, prompt), QUEUE_LIMIT)
    assert is_new
    return message


async def try_claim(engine: Engine, message_id: str) -> tuple[ClaimResult, Message | None]:
    now = engine.clock.now()
    return await engine.turns.claim_turn(message_id, now, now + LEASE, MAX_ATTEMPTS)


async def claim(engine: Engine, message_id: str) -> TurnRef:
    """Begin the message's next attempt, which must be free to begin."""
    outcome, message = await try_claim(engine, message_id)
    assert outcome is ClaimResult.CLAIMED
    assert message is not None
    return TurnRef(message.message_id, message.session_id, message.project_id, message.number, message.attempt)


async def claimed_turn(engine: Engine, session: Session | None = None) -> TurnRef:
    """The first attempt of a new message."""
    message = await queued_message(engine, session or await stored_session(engine))
    return await claim(engine, message.message_id)


async def claimed_again(engine: Engine, turn: TurnRef) -> TurnRef:
    """The next attempt of the same message; `turn` is fenced off by it."""
    await engine.turns.release_lease(turn, engine.clock.now())
    return await claim(engine, turn.message_id)


def response_of(turn: TurnRef, call: int = 1, usage: TokenUsage = USAGE) -> ModelResponse:
    body = json.dumps({"id": f"resp_{call}", "output": [{"type": "message", "content": "né ☂"}]})
    return ModelResponse(turn.message_id, turn.attempt, call, "vibecoder", 1, f"resp_{call}", "model-1", usage, body)


async def record_response(engine: Engine, turn: TurnRef, call: int = 1, usage: TokenUsage = USAGE) -> TokenUsageEvent:
    return await engine.turns.record_response(turn, response_of(turn, call, usage), usage_event(engine, turn, usage))


def answer_of(version: CodeVersion | None = None) -> TurnAnswer:
    answer = TurnAnswer(content="Done", iterations=2, base_version=1, base_code="code = 1\n")
    return answer if version is None else replace(answer, new_code=version.code, patch="a patch", commit_message="Rain")


async def complete(
    engine: Engine, turn: TurnRef, version: CodeVersion | None = None, items: Sequence[Item] = ITEMS
) -> VibecodeResponseEvent:
    """End the turn well, as a worker does: its items first."""
    await engine.turns.store_items(turn, items)
    event = answer_event(engine, turn, 1 if version is None else version.version)
    return await engine.turns.complete_turn(turn, answer_of(version), version, event)


async def fail(engine: Engine, turn: TurnRef) -> MessageFailedEvent | MessageCancelledEvent:
    return await engine.turns.end_turn(turn, MessageStatus.FAILED, FAILURE, 1, failed_event(engine, turn))


async def cancel(engine: Engine, message: Message | TurnRef) -> tuple[Message, MessageCancelledEvent | None]:
    return await engine.messages.cancel_message(
        message.message_id, engine.clock.now(), cancelled_event(engine, message)
    )


async def delete(engine: Engine, session: Session) -> SessionDeletedEvent | None:
    return await engine.sessions.delete_session(session.session_id, deleted_event(engine, session), DELETED)


async def current_message(engine: Engine, message: Message | TurnRef) -> Message:
    found = await engine.messages.find_message(message.message_id)
    assert found is not None
    return found


async def current_session(engine: Engine, session: Session | TurnRef) -> Session:
    found = await engine.sessions.find_session(session.session_id)
    assert found is not None
    return found


async def everything_of(engine: Engine, session: Session | TurnRef) -> tuple[object, ...]:
    """All that can be read of a session and its project: equal before and after, nothing changed."""
    messages = await engine.messages.list_messages(session.session_id, 100, None, ascending=True)
    return (
        await engine.sessions.find_session(session.session_id),
        messages,
        [await engine.messages.list_responses(message.message_id) for message in messages.items],
        await engine.events.read_events(session.project_id, session.session_id, 0),
        await engine.turns.list_completed_turns(session.session_id, 0, 100),
        await engine.projects.find_project(session.project_id),
        await engine.projects.list_code_versions(session.project_id, 100, None),
    )


async def session_with_messages(engine: Engine) -> tuple[Session, list[str]]:
    """A session with a completed, a running and a queued message, and their ids."""
    session = await stored_session(engine)
    turns = [await claimed_turn(engine, session)]
    await record_response(engine, turns[0])
    await complete(engine, turns[0])
    turns.append(await claimed_turn(engine, session))
    await record_response(engine, turns[1])
    await engine.turns.store_items(turns[1], [{"content": "unfinished"}])
    queued = await queued_message(engine, session)
    return session, [*(turn.message_id for turn in turns), queued.message_id]

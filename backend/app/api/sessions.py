"""The routes under /sessions and /projects/{id}/sessions, sending a message included."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Header, Query, Response

from backend.app.api.dependencies import PAGE_CODES, Cursor, Id, Limit, ServicesDep, UserId
from backend.app.api.page_size import fitting_page, message_body, without_long_fields
from backend.app.api.prefer import wait_seconds
from backend.app.api.route import route
from backend.app.api.schemas.messages import MessageBody, MessageList, SendMessageRequest
from backend.app.api.schemas.sessions import DeletedSession, EventList, SessionBody, SessionList, StartSessionRequest
from backend.app.api.services import Services
from backend.app.domain.errors import TwoMessageIdsError
from backend.app.domain.sessions.session import Session
from shared.events import event_payload

_LOCATION = {"Location": {"description": "The path of the message.", "schema": {"type": "string"}}}


@route(
    "POST",
    "/projects/{project_id}/sessions",
    "sessions",
    status_code=201,
    responses={200: {"model": SessionBody, "description": "The session existed."}},
    codes=("project_not_found", "invalid_node_id"),
    example={"node_id": "triage_agent"},
)
async def start_session(
    project_id: Id,
    services: ServicesDep,
    user_id: UserId,
    response: Response,
    body: StartSessionRequest | None = None,
) -> SessionBody:
    """Start a session about the project or about one of its nodes; 200 returns the existing session."""
    node_id = None if body is None else body.node_id
    session, is_new = await services.sessions.start_session(user_id, project_id, node_id)
    response.status_code = 201 if is_new else 200
    return await _body(services, session)


@route("GET", "/projects/{project_id}/sessions", "sessions", codes=("project_not_found", *PAGE_CODES))
async def list_sessions(
    project_id: Id, services: ServicesDep, user_id: UserId, limit: Limit = 50, cursor: Cursor = None
) -> SessionList:
    """The sessions of a project, oldest first."""
    page = await services.sessions.list_sessions(user_id, project_id, limit, cursor)
    sessions = await _bodies(services, project_id, page.items)
    return SessionList(project_id=project_id, sessions=sessions, next_cursor=page.next_cursor)


@route("GET", "/sessions/{session_id}", "sessions", codes=("session_not_found",))
async def get_session(session_id: Id, services: ServicesDep, user_id: UserId) -> SessionBody:
    """One session."""
    return await _body(services, await services.sessions.get_session(user_id, session_id))


@route("DELETE", "/sessions/{session_id}", "sessions", codes=("session_not_found",))
async def delete_session(session_id: Id, services: ServicesDep, user_id: UserId) -> DeletedSession:
    """Delete the session and erase its memory. A new session with the same key can be started immediately."""
    await services.sessions.delete_session(user_id, session_id)
    return DeletedSession(session_id=session_id)


@route("GET", "/sessions/{session_id}/events", "sessions", codes=("session_not_found", "invalid_request"))
async def list_events(
    session_id: Id,
    services: ServicesDep,
    user_id: UserId,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only events with a higher `seq`.")] = 0,
    limit: Limit = 200,
) -> EventList:
    """The event log of the session. `truncated`: some of the requested events have expired."""
    page = await services.sessions.list_events(user_id, session_id, after, limit)
    return EventList(
        session_id=session_id,
        events=[event_payload(event) for event in page.events],
        last_seq=page.last_seq,
        truncated=page.truncated,
    )


@route(
    "POST",
    "/sessions/{session_id}/messages",
    "sessions",
    responses={202: {"model": MessageBody, "description": "The message has not ended.", "headers": _LOCATION}},
    codes=(
        "session_not_found",
        "invalid_input",
        "two_message_ids",
        "prompt_too_long",
        "message_id_conflict",
        "too_many_queued_messages",
    ),
    example={"prompt": "Create a triage agent"},
)
async def send_message(
    session_id: Id,
    body: SendMessageRequest,
    services: ServicesDep,
    user_id: UserId,
    response: Response,
    prefer: Annotated[
        list[str] | None,
        Header(description="`respond-async` or `wait=SECONDS`; other preferences are ignored (RFC 7240)."),
    ] = None,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> MessageBody:
    """Queue a message and wait for its end: 200 with the ended message, or 202 with `Location` before that.

    It does not wait if too many clients are waiting already.
    """
    if body.message_id is not None and idempotency_key is not None:
        raise TwoMessageIdsError("Send either `message_id` or an `Idempotency-Key`, not both.")
    message = await services.messages.send_message(
        user_id,
        session_id,
        body.prompt,
        message_id=None if body.message_id is None else str(body.message_id),
        idempotency_key=idempotency_key,
        wait_seconds=wait_seconds(",".join(prefer or ()), services.wait_seconds),
    )
    if message.status.is_open:
        response.status_code = 202
        response.headers["Location"] = f"/messages/{message.message_id}"
    return message_body(message)


@route("GET", "/sessions/{session_id}/messages", "sessions", codes=("session_not_found", *PAGE_CODES))
async def list_messages(
    session_id: Id,
    services: ServicesDep,
    user_id: UserId,
    limit: Limit = 50,
    cursor: Cursor = None,
    order: Literal["asc", "desc"] = "asc",
) -> MessageList:
    """The messages of the session by number; `count` is their total."""
    session, page = await services.messages.list_messages(user_id, session_id, limit, cursor, ascending=order == "asc")
    bodies = [
        without_long_fields(
            MessageBody.model_validate(message), ["prompt", "content", "patch"], f"/messages/{message.message_id}"
        )
        for message in page.items
    ]
    # In a thread: serializing up to 4 MB of messages would block the event loop.
    fitting = await asyncio.to_thread(fitting_page, bodies)
    next_cursor = page.next_cursor_after(len(fitting))
    return MessageList(session_id=session_id, messages=fitting, count=session.message_count, next_cursor=next_cursor)


async def _body(services: Services, session: Session) -> SessionBody:
    (body,) = await _bodies(services, session.project_id, [session])
    return body


async def _bodies(services: Services, project_id: Id, sessions: Sequence[Session]) -> list[SessionBody]:
    found = await services.sessions.check_nodes_exist(project_id, sessions)
    return [SessionBody.of(session, exists) for session, exists in zip(sessions, found, strict=True)]


ROUTES = (start_session, list_sessions, get_session, delete_session, list_events, send_message, list_messages)

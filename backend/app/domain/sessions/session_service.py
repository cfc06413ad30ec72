"""The use cases of sessions: start, read, delete, read the event log."""

from collections.abc import Sequence

from backend.app.domain.authorization import Authorization
from backend.app.domain.engine import Engine
from backend.app.domain.errors import SessionNotFoundError
from backend.app.domain.event_factory import EventFactory
from backend.app.domain.messages.message import MessageError
from backend.app.domain.page import Page
from backend.app.domain.sessions.session import Session, check_node_id
from shared.event_log import EventPage
from shared.events import SessionDeletedEvent

_PAGE_SIZE = 50
SESSION_DELETED = MessageError("session_deleted", "The session was deleted.")


class SessionService:
    """The use cases of sessions. Each method that serves a user takes their user id first and checks their access."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._authorization = Authorization(engine)
        self._events = EventFactory(engine.clock, engine.ids)

    async def start_session(self, user_id: str, project_id: str, node_id: str | None) -> tuple[Session, bool]:
        """Start the session about the project or about one node, or find the existing one. Safe to repeat.

        The node need not exist in the code. Returns the session and whether it is new. Raises ProjectNotFoundError,
        InvalidNodeIdError.
        """
        await self._authorization.require_project(user_id, project_id)
        session = Session(
            session_id=self._engine.ids.new_id(),
            project_id=project_id,
            node_id=None if node_id is None else check_node_id(node_id),
            created_at=self._engine.clock.now(),
        )
        return await self._engine.sessions.start_session(session)

    async def get_session(self, user_id: str, session_id: str) -> Session:
        """The session. Raises SessionNotFoundError."""
        return await self._authorization.require_session(user_id, session_id)

    async def list_sessions(self, user_id: str, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """The sessions of a project, oldest first. Raises ProjectNotFoundError."""
        await self._authorization.require_project(user_id, project_id)
        return await self._engine.sessions.list_sessions(project_id, limit, cursor)

    async def check_nodes_exist(self, project_id: str, sessions: Sequence[Session]) -> list[bool | None]:
        """Whether each session's node is in the project's current code.

        None for a session about the project, and where the workflow has more agents than are read.
        """
        if all(session.node_id is None for session in sessions):
            return [None] * len(sessions)
        project = await self._engine.projects.find_project(project_id)
        names = set() if project is None else {node.name for node in project.nodes}
        not_found = None if project is not None and project.nodes_truncated else False
        return [None if session.node_id is None else session.node_id in names or not_found for session in sessions]

    async def list_events(self, user_id: str, session_id: str, after: int, limit: int) -> EventPage:
        """The session's events after number `after`. Raises SessionNotFoundError."""
        session = await self._authorization.require_session(user_id, session_id)
        page = await self._engine.events.read_events(session.project_id, session_id, after, limit)
        if page is None or page.deleted:
            raise SessionNotFoundError(session_id)
        return page

    async def delete_session(self, user_id: str, session_id: str) -> None:
        """Delete the session: it is hidden from all readers immediately, and its key can be used for a new one.

        Raises SessionNotFoundError.
        """
        session = await self._authorization.require_session(user_id, session_id)
        await self._delete(session)

    async def delete_all_sessions(self, project_id: str) -> None:
        """Delete every session of a project that is being deleted. Safe to repeat."""
        # Deleting a session removes it from the list, so the first page is read until it is empty.
        while sessions := (await self._engine.sessions.list_sessions(project_id, _PAGE_SIZE, None)).items:
            for session in sessions:
                await self._delete(session)

    async def delete_orphaned_sessions(self) -> int:
        """Continue interrupted deletions of projects. Returns how many sessions were deleted. Safe to repeat."""
        orphans = await self._engine.sessions.list_orphaned_sessions(_PAGE_SIZE)
        for session in orphans:
            await self._delete(session)
        return len(orphans)

    async def _delete(self, session: Session) -> None:
        event = SessionDeletedEvent(**self._events.of_session(session.project_id, session.session_id))
        logged = await self._engine.sessions.delete_session(session.session_id, event, SESSION_DELETED)
        if logged is not None:
            await self._engine.bus.publish(logged)

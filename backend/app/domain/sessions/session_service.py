"""Sessions: start or find, read, delete, and the log of what happened in them."""

from collections.abc import Sequence

from backend.app.domain.authorization import Authorization
from backend.app.domain.errors import SessionNotFoundError
from backend.app.domain.messages.message import MessageError
from backend.app.domain.page import Page
from backend.app.domain.ports import Clock, EventBus, IdGenerator
from backend.app.domain.projects.ports import ProjectStore
from backend.app.domain.sessions.ports import SessionStore
from backend.app.domain.sessions.session import Session, check_node_id
from shared.event_log import EventLogReader, EventPage
from shared.events import SessionDeletedEvent

_SESSIONS_A_PAGE = 50
SESSION_DELETED = MessageError("session_deleted", "The session was deleted.")


class SessionService:
    """The use cases of sessions. Every method that a caller reaches takes the caller's user id first."""

    def __init__(
        self,
        sessions: SessionStore,
        projects: ProjectStore,
        events: EventLogReader,
        authorization: Authorization,
        bus: EventBus,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._sessions = sessions
        self._projects = projects
        self._events = events
        self._authorization = authorization
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def start_session(self, user_id: str, project_id: str, node_id: str | None) -> tuple[Session, bool]:
        """Start the session about the project or about one node, or find the one that exists; and say which it was.

        The node need not exist in the code. Raises ProjectNotFoundError, InvalidNodeIdError. Safe to repeat.
        """
        await self._authorization.require_project(user_id, project_id)
        session = Session(
            session_id=self._ids.new_id(),
            project_id=project_id,
            node_id=None if node_id is None else check_node_id(node_id),
            created_at=self._clock.now(),
        )
        return await self._sessions.start_session(session)

    async def get_session(self, user_id: str, session_id: str) -> Session:
        """The session. Raises SessionNotFoundError."""
        return await self._authorization.require_session(user_id, session_id)

    async def list_sessions(self, user_id: str, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """The sessions of a project, oldest first. Raises ProjectNotFoundError."""
        await self._authorization.require_project(user_id, project_id)
        return await self._sessions.list_sessions(project_id, limit, cursor)

    async def find_nodes_of(self, project_id: str, sessions: Sequence[Session]) -> list[bool | None]:
        """For each session of a project: whether the agent that it is about is in the project's code now.

        None for one about the whole project, and where the workflow has more agents than are read.
        """
        if all(session.node_id is None for session in sessions):
            return [None] * len(sessions)
        project = await self._projects.find_project(project_id)
        names = set() if project is None else {node.name for node in project.nodes}
        not_found = None if project is not None and project.nodes_truncated else False
        return [None if session.node_id is None else session.node_id in names or not_found for session in sessions]

    async def list_events(self, user_id: str, session_id: str, after: int, limit: int) -> EventPage:
        """What happened in the session after event number `after`. Raises SessionNotFoundError."""
        session = await self._authorization.require_session(user_id, session_id)
        page = await self._events.read_events(session.project_id, session_id, after, limit)
        if page is None or page.deleted:
            raise SessionNotFoundError(session_id)
        return page

    async def delete_session(self, user_id: str, session_id: str) -> None:
        """Delete the session: at once for every reader; its key may be started afresh. Raises SessionNotFoundError."""
        session = await self._authorization.require_session(user_id, session_id)
        await self._delete(session)

    async def delete_all_sessions(self, project_id: str) -> None:
        """Delete every session of a project that is being deleted. Safe to repeat."""
        # A deleted one leaves the list, so the first page is read until it is empty.
        while sessions := (await self._sessions.list_sessions(project_id, _SESSIONS_A_PAGE, None)).items:
            for session in sessions:
                await self._delete(session)

    async def delete_orphaned_sessions(self) -> int:
        """Go on with interrupted deletions of projects. Returns how many sessions it deleted. Safe to repeat."""
        orphans = await self._sessions.list_orphaned_sessions(_SESSIONS_A_PAGE)
        for session in orphans:
            await self._delete(session)
        return len(orphans)

    async def _delete(self, session: Session) -> None:
        event = SessionDeletedEvent(
            event_id=self._ids.new_id(),
            project_id=session.project_id,
            session_id=session.session_id,
            created_at=self._clock.now(),
        )
        logged = await self._sessions.delete_session(session.session_id, event, SESSION_DELETED)
        if logged is not None:
            await self._bus.publish(logged)

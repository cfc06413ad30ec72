"""The only place where the services check that a caller may read or change a project."""

from backend.app.domain.engine import Engine
from backend.app.domain.errors import (
    MessageNotFoundError,
    OwnerOnlyError,
    ProjectNotFoundError,
    SessionNotFoundError,
)
from backend.app.domain.messages.message import Message
from backend.app.domain.sessions.session import Session
from shared.access import ProjectAccess, is_id


class Authorization:
    """Finds what a user may use. What a stranger asks for is reported as not found, as if it did not exist."""

    def __init__(self, engine: Engine) -> None:
        self._access = engine.access
        self._sessions = engine.sessions
        self._messages = engine.messages

    async def require_project(self, user_id: str, project_id: str) -> ProjectAccess:
        """The project's owner and members, of whom the user is one. Raises ProjectNotFoundError."""
        access = await self._access.find_access(project_id) if is_id(project_id) else None
        if access is None or not access.may_use(user_id):
            raise ProjectNotFoundError(project_id)
        return access

    async def require_owner(self, user_id: str, project_id: str, action: str) -> ProjectAccess:
        """The project's owner and members, the user being the owner. Raises ProjectNotFoundError, OwnerOnlyError."""
        access = await self.require_project(user_id, project_id)
        if not access.may_manage(user_id):
            raise OwnerOnlyError(f"Only the owner of a project may {action} it.")
        return access

    async def require_session(self, user_id: str, session_id: str) -> Session:
        """The session. Raises SessionNotFoundError."""
        session = await self._sessions.find_session(session_id) if is_id(session_id) else None
        if session is None or not await self._may_use(user_id, session.project_id):
            raise SessionNotFoundError(session_id)
        return session

    async def require_still(self, user_id: str, session: Session) -> None:
        """Check once more, after a wait, that the user may use a session. Raises SessionNotFoundError."""
        if not await self._may_use(user_id, session.project_id):
            raise SessionNotFoundError(session.session_id)

    async def require_message(self, user_id: str, message_id: str) -> Message:
        """The message. Raises MessageNotFoundError."""
        message = await self._messages.find_message(message_id) if is_id(message_id) else None
        if message is None or not await self._may_use(user_id, message.project_id):
            raise MessageNotFoundError(message_id)
        return message

    async def _may_use(self, user_id: str, project_id: str) -> bool:
        access = await self._access.find_access(project_id)
        return access is not None and access.may_use(user_id)

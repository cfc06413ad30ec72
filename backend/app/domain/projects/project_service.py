"""The use cases of projects: create, read, rename, share, edit by hand, delete."""

from dataclasses import replace

from backend.app.domain.authorization import Authorization
from backend.app.domain.engine import Engine
from backend.app.domain.errors import (
    CodeTooLargeError,
    InvalidCodeError,
    InvalidInputError,
    ProjectNotFoundError,
    TooManyMembersError,
    VersionNotFoundError,
)
from backend.app.domain.event_factory import EventFactory
from backend.app.domain.limits import Limits
from backend.app.domain.page import Page
from backend.app.domain.projects.project import (
    STARTER_CODE,
    CodeVersion,
    Project,
    ProjectChange,
    ProjectEntry,
    VersionEntry,
)
from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import Workflow, read_workflow
from backend.app.domain.sessions.session_service import SessionService
from shared.bus_messages import AccessChangedEvent
from shared.events import CodeChangedEvent

COMMIT_MESSAGE_BY_HAND = "Edited by hand"


class ProjectService:
    """The use cases of projects. Every method takes the caller's user id first."""

    def __init__(self, engine: Engine, sessions: SessionService, limits: Limits) -> None:
        self._engine = engine
        self._sessions = sessions
        self._authorization = Authorization(engine)
        self._events = EventFactory(engine.clock, engine.ids)
        self._limits = limits

    async def create_project(self, user_id: str, name: str, code: str | None) -> Project:
        """Create a project owned by the user, with the starter workflow where no code is given.

        Raises InvalidCodeError, CodeTooLargeError.
        """
        code = STARTER_CODE if code is None else code
        workflow = await self._read_code(code)
        now = self._engine.clock.now()
        project = Project(
            project_id=self._engine.ids.new_id(),
            name=name,
            owner=user_id,
            members=(),
            code=code,
            version=1,
            nodes=workflow.nodes,
            created_at=now,
            updated_at=now,
            nodes_truncated=workflow.truncated,
        )
        await self._engine.projects.create_project(project)
        return project

    async def get_project(self, user_id: str, project_id: str, version: int | None = None) -> Project:
        """The project, with its current code or that of one version. Raises NotFoundError."""
        await self._authorization.require_project(user_id, project_id)
        project = await self._engine.projects.find_project(project_id)
        if project is None:
            raise ProjectNotFoundError(project_id)
        if version is None or version == project.version:
            return project
        entry = await self._engine.projects.find_code_version(project_id, version)
        if entry is None:
            raise VersionNotFoundError(f"Project {project_id} has no version {version}; it is at {project.version}.")
        return replace(
            project, code=entry.code, version=entry.version, nodes=entry.nodes, nodes_truncated=entry.nodes_truncated
        )

    async def list_projects(self, user_id: str, limit: int, cursor: str | None) -> Page[ProjectEntry]:
        """The user's own projects and those shared with them, newest first."""
        return await self._engine.projects.list_projects(user_id, limit, cursor)

    async def list_project_versions(
        self, user_id: str, project_id: str, limit: int, cursor: str | None
    ) -> Page[VersionEntry]:
        """The history of the code, newest first. Raises ProjectNotFoundError."""
        await self._authorization.require_project(user_id, project_id)
        return await self._engine.projects.list_code_versions(project_id, limit, cursor)

    async def update_project(
        self,
        user_id: str,
        project_id: str,
        *,
        name: str | None = None,
        members: tuple[str, ...] | None = None,
        code: str | None = None,
        base_version: int | None = None,
    ) -> Project:
        """Rename or share (owner only), edit the code by hand (owner and members), leave the project (a member).

        A member leaves by sending the list of members without themselves. Raises OwnerOnlyError, StaleVersionError
        (the code is not at `base_version`), InvalidCodeError and other kinds of InvalidInputError; then nothing was
        changed.
        """
        access = await self._authorization.require_project(user_id, project_id)
        is_leaving = name is None and members is not None and access.is_leaving(user_id, members)
        if (name is not None or members is not None) and not is_leaving:
            await self._authorization.require_owner(user_id, project_id, "rename or share")
        change = ProjectChange(
            name=name,
            members=None if members is None or is_leaving else self._checked_members(access.owner, members),
            leaving=user_id if is_leaving else None,
            code=None if code is None else await self._version_by_hand(project_id, code, base_version),
        )
        project = await self._engine.projects.update_project(project_id, change, self._engine.clock.now())
        if project is None:
            raise ProjectNotFoundError(project_id)
        if members is not None:
            await self._publish_access_changed(project_id)
        if change.code is not None:
            fields = self._events.of_project(project_id, change.code.created_at)
            await self._engine.bus.publish(
                CodeChangedEvent(**fields, session_id=None, message_id=None, version=change.code.version)
            )
        return project

    async def delete_project(self, user_id: str, project_id: str) -> None:
        """Delete the project and each of its sessions. Raises ProjectNotFoundError, OwnerOnlyError."""
        await self._authorization.require_owner(user_id, project_id, "delete")
        await self._engine.projects.delete_project(project_id)
        await self._sessions.delete_all_sessions(project_id)
        await self._publish_access_changed(project_id)

    async def _publish_access_changed(self, project_id: str) -> None:
        await self._engine.bus.publish(AccessChangedEvent(**self._events.of_project(project_id)))

    async def _read_code(self, code: str) -> Workflow:
        """The workflow of new code. Raises CodeTooLargeError, InvalidCodeError."""
        size = len(code.encode(errors="surrogatepass"))
        if size > self._limits.code_bytes:
            raise CodeTooLargeError(f"The code has {size} bytes; at most {self._limits.code_bytes} are allowed.")
        try:
            return await self._engine.offloader.run(read_workflow, code)
        except InvalidSourceError as error:
            raise InvalidCodeError(f"The code is not Python: {error}") from error

    async def _version_by_hand(self, project_id: str, code: str, base_version: int | None) -> CodeVersion:
        if base_version is None:
            raise InvalidInputError("`code` needs `base_version`: the version that it was edited from.")
        workflow = await self._read_code(code)
        return CodeVersion(
            project_id=project_id,
            version=base_version + 1,
            code=code,
            nodes=workflow.nodes,
            message_id=None,
            commit_message=COMMIT_MESSAGE_BY_HAND,
            created_at=self._engine.clock.now(),
            nodes_truncated=workflow.truncated,
        )

    def _checked_members(self, owner: str, members: tuple[str, ...]) -> tuple[str, ...]:
        unique = tuple(dict.fromkeys(member for member in members if member != owner))
        if len(unique) > self._limits.members:
            raise TooManyMembersError(
                f"A project can have at most {self._limits.members} members; {len(unique)} were given."
            )
        return unique

"""The routes under /projects, sessions apart."""

from typing import Annotated

from fastapi import Query

from backend.app.api.dependencies import PAGE_CODES, Cursor, Id, Limit, ServicesDep, UserId
from backend.app.api.page_size import fitting_page
from backend.app.api.route import route
from backend.app.api.schemas.projects import (
    CreateProjectRequest,
    DeletedProject,
    ProjectBody,
    ProjectEntryBody,
    ProjectList,
    UpdateProjectRequest,
    VersionBody,
    VersionList,
)


@route(
    "POST",
    "/projects",
    "projects",
    status_code=201,
    codes=("invalid_code", "code_too_large"),
    example={"name": "Customer support"},
)
async def create_project(body: CreateProjectRequest, services: ServicesDep, user_id: UserId) -> ProjectBody:
    """Create a project; `code` defaults to a small starter workflow."""
    return ProjectBody.model_validate(await services.projects.create_project(user_id, body.name, body.source))


@route("GET", "/projects", "projects", codes=PAGE_CODES)
async def list_projects(
    services: ServicesDep, user_id: UserId, limit: Limit = 50, cursor: Cursor = None
) -> ProjectList:
    """The caller's projects and those shared with the caller, newest first, without code and nodes."""
    page = await services.projects.list_projects(user_id, limit, cursor)
    fitting = fitting_page([ProjectEntryBody.model_validate(entry) for entry in page.items])
    return ProjectList(projects=fitting, next_cursor=page.next_cursor_after(len(fitting)))


@route("GET", "/projects/{project_id}", "projects", codes=("project_not_found", "version_not_found", "invalid_request"))
async def get_project(
    project_id: Id,
    services: ServicesDep,
    user_id: UserId,
    version: Annotated[int | None, Query(ge=1, le=2**53, description="The version of the code to return.")] = None,
) -> ProjectBody:
    """The project with its current code, or with the code of one version."""
    return ProjectBody.model_validate(await services.projects.get_project(user_id, project_id, version))


@route(
    "PATCH",
    "/projects/{project_id}",
    "projects",
    codes=(
        "project_not_found",
        "owner_only",
        "invalid_input",
        "invalid_code",
        "code_too_large",
        "too_many_members",
        "stale_version",
    ),
    example={"code": 'from agents import Agent\n\nassistant = Agent(name="Assistant")\n', "base_version": 1},
)
async def update_project(
    project_id: Id, body: UpdateProjectRequest, services: ServicesDep, user_id: UserId
) -> ProjectBody:
    """Rename or share the project (owner only), or edit its code, with its `base_version` (owner and members).

    A member leaves the project by sending the current `members` without their own name.
    """
    project = await services.projects.update_project(
        user_id,
        project_id,
        name=body.name,
        members=None if body.members is None else tuple(body.members),
        code=body.code,
        base_version=body.base_version,
    )
    return ProjectBody.model_validate(project)


@route("DELETE", "/projects/{project_id}", "projects", codes=("project_not_found", "owner_only"))
async def delete_project(project_id: Id, services: ServicesDep, user_id: UserId) -> DeletedProject:
    """Delete the project and all its sessions (owner only)."""
    await services.projects.delete_project(user_id, project_id)
    return DeletedProject(project_id=project_id)


@route("GET", "/projects/{project_id}/versions", "projects", codes=("project_not_found", *PAGE_CODES))
async def list_project_versions(
    project_id: Id, services: ServicesDep, user_id: UserId, limit: Limit = 50, cursor: Cursor = None
) -> VersionList:
    """The history of the project's code, newest first."""
    page = await services.projects.list_project_versions(user_id, project_id, limit, cursor)
    versions = fitting_page([VersionBody.model_validate(entry) for entry in page.items])
    next_cursor = page.next_cursor_after(len(versions))
    return VersionList(project_id=project_id, versions=versions, next_cursor=next_cursor)


ROUTES = (create_project, list_projects, get_project, update_project, delete_project, list_project_versions)

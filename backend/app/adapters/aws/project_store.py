"""The ProjectStore on the DynamoDB table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.app.adapters.aws.items.code import code_ref, code_version_writes, find_code_version, list_code_versions
from backend.app.adapters.aws.items.documents import read_documents
from backend.app.adapters.aws.items.project_listings import (
    find_listed_projects,
    listing_writes,
    remove_listings,
)
from backend.app.adapters.cursors import cursor_of, id_of
from backend.app.adapters.stored_workflow import workflow_of
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.errors import StaleVersionError
from backend.app.domain.page import Page
from backend.app.domain.projects.project import (
    CodeVersion,
    Project,
    ProjectChange,
    ProjectEntry,
    VersionEntry,
    first_version,
)
from shared.aws_item import Change, Item, Write, put, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.table_keys import (
    CODE_PREFIX,
    DUE_PROJECT,
    PROJECT_PREFIX,
    VERSION_PREFIX,
    member_key,
    project_key,
)

ACTIVE = "attribute_exists(pk) AND attribute_not_exists(#deleted)"


class AwsProjectStore:
    """The ProjectStore of AWS."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def create_project(self, project: Project) -> None:
        """See ProjectStore."""
        first = first_version(project)
        pointer, writes = await code_version_writes(self._table, first)
        item = {
            **project_key(project.project_id),
            **pointer,
            "name": project.name,
            "owner": project.owner,
            "members": list(project.members),
            "version": project.version,
            "revision": 1,
            "created_at": to_iso(project.created_at),
            "updated_at": to_iso(project.updated_at),
        }
        await self._table.write(
            project=put(item, "attribute_not_exists(pk)"),
            code=writes,
            users=listing_writes((project.owner, *project.members), project.project_id, 1),
        )

    async def find_project(self, project_id: str) -> Project | None:
        """See ProjectStore."""
        item = await self._find_active(project_id)
        if item is None:
            return None
        (document,) = await read_documents(self._table, [code_ref(item)])
        return _project_of(item, document)

    async def find_code_version(self, project_id: str, version: int) -> CodeVersion | None:
        """See ProjectStore."""
        return await find_code_version(self._table, project_id, version)

    async def list_projects(self, user_id: str, limit: int, cursor: str | None) -> Page[ProjectEntry]:
        """See ProjectStore."""
        found, has_more = await find_listed_projects(
            self._table, user_id, limit, None if cursor is None else id_of(cursor)
        )
        entries = tuple(_entry_of(item) for item in found)
        return Page(entries, tuple(cursor_of(entry.project_id) for entry in entries), has_more)

    async def list_code_versions(self, project_id: str, limit: int, cursor: str | None) -> Page[VersionEntry]:
        """See ProjectStore."""
        return await list_code_versions(self._table, project_id, limit, cursor)

    async def update_project(self, project_id: str, change: ProjectChange, now: datetime) -> Project | None:
        """See ProjectStore."""
        attempt = 0
        while (item := await self._find_active(project_id)) is not None:
            if change.code is not None and change.code.version != item["version"] + 1:
                raise StaleVersionError(
                    f"The code is at version {item['version']}, not {change.code.version - 1}: read it again."
                )
            try:
                await self._apply(project_id, item, change, now)
            except ConditionFailedError:
                # A concurrent update changed the project between the read and the write.
                await pause(attempt)
                attempt += 1
            else:
                return await self.find_project(project_id)
        return None

    async def delete_project(self, project_id: str) -> bool:
        """See ProjectStore."""
        item = await self._find_active(project_id)
        if item is None:
            return False
        try:
            await self._table.write(
                project=update(
                    project_key(project_id),
                    Change({"deleted": True, "name": "", "due_kind": DUE_PROJECT, "due_at": project_id}),
                    ACTIVE,
                )
            )
        except ConditionFailedError:
            return False
        await self.erase_project(item)
        return True

    async def erase_project(self, item: Item) -> None:
        """Remove the code and the listings of a deleted project. Its item stays. Safe to repeat."""
        project_id = item["pk"].removeprefix(PROJECT_PREFIX)
        keys = [member_key(user, project_id) for user in (item["owner"], *item["members"])]
        for prefix in (VERSION_PREFIX, CODE_PREFIX):
            keys += [{"pk": one["pk"], "sk": one["sk"]} async for one in self._table.query(item["pk"], prefix)]
        await self._table.delete_many(keys)

    async def _apply(self, project_id: str, item: Item, change: ProjectChange, now: datetime) -> None:
        revision = item["revision"] + 1
        attributes: Item = {"updated_at": to_iso(now), "revision": revision}
        code: list[Write] = []
        listed: list[Write] = []
        if change.code is not None:
            pointer, code = await code_version_writes(self._table, change.code)
            attributes |= {**pointer, "version": change.code.version}
        if change.name is not None:
            attributes["name"] = change.name
        members = change.members_after(item["members"])
        if members is not None:
            attributes["members"] = list(members)
            # All of them, so that an older change still in flight does not remove a listing.
            listed = listing_writes(members, project_id, revision)
        await self._table.write(
            project=update(project_key(project_id), Change(attributes), "#revision = :before", before=item["revision"]),
            code=code,
            users=listed,
        )
        if members is not None:
            removed = set(item["members"]) - {item["owner"], *members}
            await remove_listings(self._table, removed, project_id, revision)

    async def _find_active(self, project_id: str) -> Item | None:
        item = await self._table.get(project_key(project_id))
        return None if item is None or "deleted" in item else item


def _entry_of(item: Item) -> ProjectEntry:
    return ProjectEntry(
        project_id=item["pk"].removeprefix(PROJECT_PREFIX),
        name=item["name"],
        owner=item["owner"],
        members=tuple(item["members"]),
        version=item["version"],
        created_at=from_iso(item["created_at"]),
        updated_at=from_iso(item["updated_at"]),
    )


def _project_of(item: Item, document: Mapping[str, Any]) -> Project:
    workflow = workflow_of(document)
    return Project(
        project_id=item["pk"].removeprefix(PROJECT_PREFIX),
        name=item["name"],
        owner=item["owner"],
        members=tuple(item["members"]),
        code=document["code"],
        version=item["version"],
        nodes=workflow.nodes,
        created_at=from_iso(item["created_at"]),
        updated_at=from_iso(item["updated_at"]),
        nodes_truncated=workflow.truncated,
    )

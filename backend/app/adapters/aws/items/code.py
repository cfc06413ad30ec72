"""The versions of a project's code in the table."""

import hashlib
from collections.abc import Mapping
from typing import Any

from backend.app.adapters.aws.items.documents import DocumentRef, pack, read_documents, store_document
from backend.app.adapters.cursors import cursor_of, number_of
from backend.app.adapters.stored_workflow import stored_workflow, workflow_of
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.page import Page
from backend.app.domain.projects.project import CodeVersion, VersionEntry
from shared.aws_item import Item, Write, put
from shared.aws_table import AwsTable
from shared.table_keys import VERSION_PREFIX, code_name, number_in, project_partition, version_key

_DIGEST_CHARACTERS = 16


async def code_version_writes(table: AwsTable, version: CodeVersion) -> tuple[Item, list[Write]]:
    """Prepare a code version to be stored by the caller's transaction.

    Returns:
        The attributes by which the project and the history reference the code; and the writes, which fail if the
        version exists.
    """
    packed = pack({"code": version.code, **stored_workflow(version)})
    # Concurrent calls may store different code under the same version number: each gets its own name.
    digest = hashlib.sha256(packed).hexdigest()[:_DIGEST_CHARACTERS]
    partition = project_partition(version.project_id)
    ref, writes = await store_document(table, partition, code_name(version.version, digest), packed)
    pointer = {"code_name": ref.name, "code_parts": ref.parts, "code_bytes": len(version.code.encode())}
    entry = {
        **version_key(version.project_id, version.version),
        **pointer,
        "message_id": version.message_id,
        "commit_message": version.commit_message,
        "created_at": to_iso(version.created_at),
    }
    return pointer, [put(entry, "attribute_not_exists(pk)"), *writes]


def code_ref(item: Mapping[str, Any]) -> DocumentRef:
    """The document of the code that a project or a history entry references."""
    return DocumentRef(item["pk"], item["code_name"], item["code_parts"])


async def find_code_version(table: AwsTable, project_id: str, version: int) -> CodeVersion | None:
    """See ProjectStore."""
    entry = await table.get(version_key(project_id, version))
    if entry is None:
        return None
    (document,) = await read_documents(table, [code_ref(entry)])
    workflow = workflow_of(document)
    return CodeVersion(
        project_id,
        version,
        document["code"],
        workflow.nodes,
        entry.get("message_id"),
        entry["commit_message"],
        from_iso(entry["created_at"]),
        workflow.truncated,
    )


async def list_code_versions(table: AwsTable, project_id: str, limit: int, cursor: str | None) -> Page[VersionEntry]:
    """See ProjectStore."""
    # Versions start at 1, so below version 1 nothing matches.
    newest = "~" if cursor is None else version_key(project_id, max(number_of(cursor) - 1, 0))["sk"]
    high = newest if cursor is not None else VERSION_PREFIX + newest
    entries: list[VersionEntry] = []
    query = table.query(project_partition(project_id), VERSION_PREFIX, high, forward=False, page_size=limit + 1)
    async for item in query:
        entries.append(
            VersionEntry(
                number_in(item["sk"]),
                item.get("message_id"),
                item["commit_message"],
                from_iso(item["created_at"]),
            )
        )
        if len(entries) > limit:
            break
    kept = tuple(entries[:limit])
    return Page(kept, tuple(cursor_of(entry.version) for entry in kept), len(entries) > limit)

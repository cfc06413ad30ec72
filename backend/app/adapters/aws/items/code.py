"""The versions of a project's code in the table."""

import hashlib
from collections.abc import Mapping
from typing import Any

from backend.app.adapters.aws.items.documents import DocumentRef, pack, store_document
from backend.app.adapters.stored_workflow import stored_workflow
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.projects.project import CodeVersion
from shared.aws_item import Item, Write, put
from shared.aws_table import AwsTable
from shared.table_keys import code_name, project_partition, version_key

_DIGEST_CHARACTERS = 16


async def code_version_writes(table: AwsTable, version: CodeVersion) -> tuple[Item, list[Write]]:
    """What stores a code version.

    Returns:
        The attributes by which the project and the history point to the code; and the writes, refused where the
        version exists.
    """
    packed = pack({"code": version.code, **stored_workflow(version)})
    # Two may be about to store the same version number: each has a name of its own.
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
    """Where the code is that a project or an entry of its history points to."""
    return DocumentRef(item["pk"], item["code_name"], item["code_parts"])

"""What an engine's store holds, past the ports: what is left in it, and what an earlier version left there."""

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any, Protocol

from shared.table_keys import CODE_PREFIX, project_partition
from tests.moto_aws import MotoAws

Nodes = list[dict[str, Any]]


class RawStore(Protocol):
    """The store of an engine under test."""

    def text(self) -> str:
        """All that is stored, in one text."""
        ...

    def write_nodes_as_before_the_bound(self, project_id: str, nodes: Nodes) -> None:
        """Give a project's code nodes in the form that was stored when nothing bounded them."""
        ...

    def remove_code(self, project_id: str) -> None:
        """Take away the code of a project, not the project: whatever reads it fails."""
        ...


class LocalRawStore:
    """The files of the local engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self) -> str:
        """See RawStore."""
        files = [file for file in sorted(self._folder.rglob("*")) if file.is_file()]
        return "\n".join(file.read_bytes().decode(errors="replace") for file in files)

    def write_nodes_as_before_the_bound(self, project_id: str, nodes: Nodes) -> None:
        """See RawStore."""
        self._change("UPDATE code_versions SET nodes = ? WHERE project_id = ?", json.dumps(nodes), project_id)

    def remove_code(self, project_id: str) -> None:
        """See RawStore."""
        self._change("DELETE FROM code_versions WHERE project_id = ?", project_id)

    def _change(self, statement: str, *values: str) -> None:
        connection = sqlite3.connect(self._folder / "vibewire.sqlite")
        with connection:
            assert connection.execute(statement, values).rowcount > 0
        connection.close()


class AwsRawStore:
    """The table in moto."""

    def __init__(self, moto: MotoAws) -> None:
        self._client: Any = moto.services.dynamodb.client
        self._table = moto.settings.table_name

    def text(self) -> str:
        """See RawStore."""
        return "\n".join(
            _readable(value) for item in self._items() for value in [item["pk"], item["sk"], *item.values()]
        )

    def write_nodes_as_before_the_bound(self, project_id: str, nodes: Nodes) -> None:
        """See RawStore."""
        for item in self._code_of(project_id):
            document = json.loads(zlib.decompress(item["body"]["B"]))
            packed = zlib.compress(json.dumps({"code": document["code"], "nodes": nodes}).encode())
            self._client.put_item(TableName=self._table, Item={**item, "body": {"B": packed}})

    def remove_code(self, project_id: str) -> None:
        """See RawStore."""
        for item in self._code_of(project_id):
            self._client.delete_item(TableName=self._table, Key={"pk": item["pk"], "sk": item["sk"]})

    def _code_of(self, project_id: str) -> list[dict[str, Any]]:
        partition = project_partition(project_id)
        found = [one for one in self._items() if one["pk"]["S"] == partition and one["sk"]["S"].startswith(CODE_PREFIX)]
        assert found
        return found

    def _items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._client.scan(TableName=self._table)["Items"]
        return items


def _readable(value: dict[str, Any]) -> str:
    """An attribute's value; what is compressed is unpacked."""
    (kind, content), *_ = value.items()
    if kind != "B":
        return json.dumps(content, default=str, ensure_ascii=False)
    is_packed = content[:1] == b"\x78"  # zlib's first byte; JSON begins otherwise
    return (zlib.decompress(content) if is_packed else content).decode()

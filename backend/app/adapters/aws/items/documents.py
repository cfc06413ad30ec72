"""Values of any size in the table: compressed JSON, split over several items if it exceeds one."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.aws_item import Write, put
from shared.aws_table import AwsTable

# DynamoDB allows 400 KB per item, keys and names included.
PART_BYTES = 350_000
_PART_DIGITS = 4


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """Names a stored document: `parts` items of `partition` whose sort keys are `name` and a part's number."""

    partition: str
    name: str
    parts: int

    def part_keys(self) -> list[dict[str, str]]:
        """The keys of the parts, in order."""
        return [{"pk": self.partition, "sk": part_name(self.name, part)} for part in range(self.parts)]


def part_name(name: str, part: int) -> str:
    """The sort key of a document's part, counted from 0."""
    return f"{name}#{part:0{_PART_DIGITS}d}"


def pack(value: Any) -> bytes:
    """A JSON value, compressed."""
    return pack_text(json.dumps(value, separators=(",", ":")))


def pack_text(text: str) -> bytes:
    """JSON text, compressed."""
    return zlib.compress(text.encode())


def unpack(packed: bytes) -> Any:
    """The value that was packed."""
    return json.loads(unpack_text(packed))


def unpack_text(packed: bytes) -> str:
    """The JSON text that was packed."""
    return zlib.decompress(packed).decode()


async def store_document(table: AwsTable, partition: str, name: str, packed: bytes) -> tuple[DocumentRef, list[Write]]:
    """Prepare a document to be stored by the caller's transaction.

    Args:
        table: the table.
        partition: its partition key.
        name: its sort key, to which each part adds its number; used only for this value, or for one that replaces it.
        packed: see `pack`.

    Returns:
        The document's reference, and what the transaction must write. A document that is too large for the transaction
        is stored immediately; it is not visible without the reference. Safe to repeat.
    """
    pieces = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    ref = DocumentRef(partition, name, len(pieces))
    items = [{**key, "body": piece} for key, piece in zip(ref.part_keys(), pieces, strict=True)]
    if len(items) == 1:
        return ref, [put(items[0])]
    for item in items:  # one at a time: together they may exceed a batch
        await table.write(part=put(item))
    return ref, []


async def read_documents(table: AwsTable, refs: Sequence[DocumentRef]) -> list[Any]:
    """The values of documents, in order. Raises KeyError if a document or one of its parts is missing."""
    keys = [key for ref in refs for key in ref.part_keys()]
    items = iter(await table.get_many(keys))
    return [unpack(_joined(ref, [next(items) for _ in range(ref.parts)])) for ref in refs]


def _joined(ref: DocumentRef, items: Sequence[Mapping[str, Any] | None]) -> bytes:
    pieces = [item["body"] for item in items if item is not None]
    if len(pieces) != ref.parts:
        raise KeyError(f"{ref.partition} {ref.name}: {len(pieces)} of {ref.parts} parts")
    return b"".join(pieces)

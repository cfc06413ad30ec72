"""Values of any size in the table: compressed JSON, split over several items where one cannot hold it."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.aws_item import Write, put
from shared.aws_table import AwsTable

# DynamoDB's items hold 400 KB, keys and names included.
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
    """A value of JSON, compressed."""
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
        partition: where it is to lie.
        name: its sort key, parts apart; only ever given to this very value, or to one that replaces it.
        packed: see `pack`.

    Returns:
        The document's reference, for whoever points to it, and what the transaction must write. What is too large for
        a transaction is stored at once: without the reference nobody finds it. Safe to repeat.
    """
    pieces = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    ref = DocumentRef(partition, name, len(pieces))
    items = [{**key, "body": piece} for key, piece in zip(ref.part_keys(), pieces, strict=True)]
    if len(items) == 1:
        return ref, [put(items[0])]
    for item in items:  # one at a time: together they may be more than a batch takes
        await table.write(part=put(item))
    return ref, []


async def read_documents(table: AwsTable, refs: Sequence[DocumentRef]) -> list[Any]:
    """The values of documents, in order. Raises KeyError for one that is not there, or not whole."""
    keys = [key for ref in refs for key in ref.part_keys()]
    items = iter(await table.get_many(keys))
    return [unpack(_joined(ref, [next(items) for _ in range(ref.parts)])) for ref in refs]


def _joined(ref: DocumentRef, items: Sequence[Mapping[str, Any] | None]) -> bytes:
    pieces = [item["body"] for item in items if item is not None]
    if len(pieces) != ref.parts:
        raise KeyError(f"{ref.partition} {ref.name}: {len(pieces)} of {ref.parts} parts")
    return b"".join(pieces)

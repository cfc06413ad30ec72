"""What DynamoDB would bill: calls, bytes and capacity units, worked out from the requests and answers of a client.

Rules as the developer guide has them ("Read and write operations"): a strongly consistent read is one unit per 4 KB, an
eventually consistent one half of that; a write is one per 1 KB of the larger of the item before and after; in a
transaction both count twice; a change of an index entry is one more write.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.dynamodb_rules import item_bytes

Json = Mapping[str, Any]

READS = ("GetItem", "BatchGetItem", "Query")
_READ_BYTES = 4096
_WRITE_BYTES = 1024


@dataclass
class Bill:
    """What was used since the last look."""

    calls: Counter[str] = field(default_factory=Counter)
    read_units: float = 0
    write_units: float = 0
    read_bytes: int = 0
    written_bytes: int = 0


class DynamoDbMeter:
    """Counts what goes through a client; `looking` is another client, by which items are measured."""

    def __init__(self, client: Any, looking: Any) -> None:
        self._client = client
        self._looking = looking
        self.bill = Bill()
        self._asked: Json = {}
        client.meta.events.register("before-parameter-build.dynamodb.*", self._ask)
        client.meta.events.register("after-call.dynamodb.*", self._count)

    def close(self) -> None:
        self._client.meta.events.unregister("before-parameter-build.dynamodb.*", self._ask)
        self._client.meta.events.unregister("after-call.dynamodb.*", self._count)

    def take(self) -> Bill:
        """The bill so far; the next one begins."""
        bill, self.bill = self.bill, Bill()
        return bill

    def _ask(self, params: Json, **_: Any) -> None:
        self._asked = params

    def _count(self, parsed: Json, model: Any, **_: Any) -> None:
        self.bill.calls[model.name] += 1
        if "Error" in parsed:
            return
        if model.name in READS:
            self._count_read(model.name, parsed)
        else:
            self._count_write(model.name)

    def _count_read(self, operation: str, parsed: Json) -> None:
        match operation:
            case "GetItem":
                self._read([parsed.get("Item", {})])
            case "Query":
                self._read(parsed["Items"], share=1.0 if self._asked.get("ConsistentRead") else 0.5)
            case _:
                for item in (item for items in parsed["Responses"].values() for item in items):
                    self._read([item])

    def _count_write(self, operation: str) -> None:
        match operation:
            case "TransactWriteItems":
                for member in self._asked["TransactItems"]:
                    self._write(next(iter(member.values())), factor=2)
            case "BatchWriteItem":
                for request in (one for asked in self._asked["RequestItems"].values() for one in asked):
                    self._write(next(iter(request.values())))
            case _:
                self._write(self._asked)

    def _read(self, items: list[Json], share: float = 1.0) -> None:
        size = sum(map(item_bytes, items))
        self.bill.read_bytes += size
        self.bill.read_units += share * max(1, math.ceil(size / _READ_BYTES))

    def _write(self, write: Json, factor: int = 1) -> None:
        item = write.get("Item") or self._look(write)
        size = item_bytes(item)
        self.bill.written_bytes += size
        self.bill.write_units += factor * max(1, math.ceil(size / _WRITE_BYTES))
        if "due_kind" in write.get("Item", {}) or "#due_kind" in write.get("ExpressionAttributeNames", {}):
            self.bill.write_units += 1

    def _look(self, write: Json) -> Json:
        found: Json = self._looking.get_item(TableName=write.get("TableName", "vibewire"), Key=write["Key"])
        item: Json = found.get("Item", write["Key"])
        return item

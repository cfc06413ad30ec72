"""moto without work that grows with its tables and services: that work was most of the time of the tests on AWS."""

import copy
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, wraps
from typing import Any
from unittest.mock import patch

import moto.core.models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

Json = dict[str, Any]


@cache
def speed_up_moto() -> None:
    """Replace two parts of moto in this process.

    - A transaction copies the complete table once for each of its writes, to restore it on failure. Here it copies only
      the partitions that it writes to, once.
    - Each start of an account registers 1,300 handlers for the library `requests`, which boto3 does not use.
    """
    moto.core.models.RESPONSES_METHODS.clear()
    original = DynamoDBBackend.transact_write_items

    @wraps(original)
    def transact_write_items(self: DynamoDBBackend, transact_items: list[Json]) -> None:
        writes = [next(iter(member.values())) for member in transact_items]
        copies: dict[str, Table] = {}

        def copied(table: Table, _: Json) -> Table:
            if table.name not in copies:
                copies[table.name] = _copy_for_rollback(table, writes)
            return copies[table.name]

        with patch.object(Table, "__deepcopy__", copied, create=True):
            original(self, transact_items)

    DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign]


def _copy_for_rollback(table: Table, writes: Sequence[Json]) -> Table:
    written = {
        DynamoType((write.get("Item") or write["Key"])[table.hash_key_attr])
        for write in writes
        if write["TableName"] == table.name
    }
    copied = copy.copy(table)
    copied.items = defaultdict(
        dict, {key: copy.deepcopy(items) if key in written else items for key, items in table.items.items()}
    )
    return copied

"""What DynamoDB refuses and moto takes: each request is held against the documented rules before moto gets it.

Sources: the API reference of TransactWriteItems, BatchGetItem, Query and the expression guides.
"""

import re
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

MAX_ITEM_BYTES = 400 * 1024
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_TRANSACTION_ITEMS = 100
_EXPRESSIONS = ("KeyConditionExpression", "ConditionExpression", "UpdateExpression", "FilterExpression")


class RuleBrokenError(AssertionError):
    """DynamoDB would refuse the request."""


def watch_rules(client: Any) -> None:
    """Have the client check every request that it is about to send."""
    client.meta.events.register("before-parameter-build.dynamodb.*", _check)


def item_bytes(item: Json) -> int:
    """The size of an item as DynamoDB counts it, near enough: names and values, with 3 bytes for each container."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _check(params: Json, model: Any, **_: Any) -> None:
    match model.name:
        case "TransactWriteItems":
            _check_transaction(params["TransactItems"])
        case "BatchGetItem":
            for asked in params["RequestItems"].values():
                _require_distinct([_key_of(key) for key in asked["Keys"]])
        case "BatchWriteItem":
            for asked in params["RequestItems"].values():
                _require_distinct([_key_of(next(iter(next(iter(one.values())).values()))) for one in asked])
                for one in asked:
                    _check_member(one.get("PutRequest", {}))
        case _:
            _check_member(params)


def _check_transaction(members: list[Json]) -> None:
    writes = [next(iter(member.values())) for member in members]
    if not 1 <= len(writes) <= MAX_TRANSACTION_ITEMS:
        raise RuleBrokenError(f"a transaction of {len(writes)} items")
    _require_distinct([_key_of(write.get("Item") or write["Key"]) for write in writes])
    for write in writes:
        _check_member(write)
    size = sum(item_bytes(write.get("Item", {})) for write in writes)
    if size > MAX_TRANSACTION_BYTES:
        raise RuleBrokenError(f"a transaction of {size} bytes")


def _check_member(params: Json) -> None:
    size = item_bytes(params.get("Item", {}))
    if size > MAX_ITEM_BYTES:
        raise RuleBrokenError(f"an item of {size} bytes")
    text = " ".join(params.get(name, "") for name in _EXPRESSIONS)
    for kind, sign in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
        used = {f"{sign}{name}" for name in re.findall(rf"{sign}(\w+)", text)}
        given = set(params.get(kind, {}))
        if used != given:
            raise RuleBrokenError(f"{kind}: {used ^ given} only used or only given in {text!r}")
    if found := re.search(r"BETWEEN (:\w+) AND (:\w+)", text):
        low, high = (params["ExpressionAttributeValues"][name]["S"] for name in found.groups())
        if low > high:
            raise RuleBrokenError(f"BETWEEN {low!r} AND {high!r}")


def _key_of(item: Json) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _require_distinct(keys: list[tuple[str, str]]) -> None:
    if len(set(keys)) != len(keys):
        raise RuleBrokenError("the same item twice in one request")


def _value_bytes(value: Json) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + item_bytes(content)
        case "L":
            return 3 + sum(map(_value_bytes, content))
        case "NS" | "SS":
            return sum(len(one) for one in content)
        case _:
            return 1

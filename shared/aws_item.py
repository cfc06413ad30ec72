"""Items of the table as plain Python values, and the writes that a transaction is made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from shared.table_keys import Key

Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()
_NAME = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True)
class Write:
    """One member of a transaction: `kind` is `Put`, `Update`, `Delete` or `ConditionCheck`."""

    kind: str
    parameters: dict[str, Any]


def put(item: Item, condition: str | None = None, **values: Any) -> Write:
    """Store an item; attributes that are None are left out. In the condition `#x` is attribute x, `:x` value x."""
    return Write("Put", {"Item": encode(item), **_expressions({"ConditionExpression": condition}, values)})


def update(key: Key, change: str, condition: str | None = None, **values: Any) -> Write:
    """Change attributes of an item by an update expression, in which `#x` is attribute x and `:x` value x."""
    texts = {"UpdateExpression": change, "ConditionExpression": condition}
    return Write("Update", {"Key": encode(key), **_expressions(texts, values)})


def delete(key: Key, condition: str | None = None, **values: Any) -> Write:
    """Remove an item."""
    return Write("Delete", {"Key": encode(key), **_expressions({"ConditionExpression": condition}, values)})


def check(key: Key, condition: str, **values: Any) -> Write:
    """Only go on where the condition holds."""
    return Write("ConditionCheck", {"Key": encode(key), **_expressions({"ConditionExpression": condition}, values)})


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB has it. Attributes that are None are left out."""
    return {name: _serializer.serialize(value) for name, value in item.items() if value is not None}


def decode(item: Mapping[str, Any]) -> Item:
    """An item as plain values: int, str, bytes, bool, list, dict, set."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


def _expressions(texts: Mapping[str, str | None], values: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: text for name, text in texts.items() if text is not None}
    names = sorted({name for text in given.values() for name in _NAME.findall(text)})
    parameters: dict[str, Any] = dict(given)
    if names:
        parameters["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        parameters["ExpressionAttributeValues"] = encode({f":{name}": value for name, value in values.items()})
    return parameters


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case Binary():
            return bytes(value.value)  # type: ignore[attr-defined]  # missing in boto3's stubs
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case set():
            return {_plain(one) for one in value}
        case _:
            return value

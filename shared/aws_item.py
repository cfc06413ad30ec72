"""Items of the table as plain Python values, and the writes of a transaction."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Change:
    """What an update does to an item; `|` joins two changes.

    Attributes:
        sets: attributes and their new values.
        adds: attributes and what is added to their number or set.
        deletes: attributes and the elements that are deleted from their set.
        removes: attributes that are removed.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    adds: Mapping[str, Any] = field(default_factory=dict)
    deletes: Mapping[str, Any] = field(default_factory=dict)
    removes: tuple[str, ...] = ()

    def __or__(self, other: "Change") -> "Change":
        return Change(
            {**self.sets, **other.sets},
            {**self.adds, **other.adds},
            {**self.deletes, **other.deletes},
            (*self.removes, *other.removes),
        )

    def expression(self) -> tuple[str, dict[str, Any]]:
        """The update expression, and its values by the names that it gives them."""
        clauses = {
            "SET": [f"#{name} = :set_{name}" for name in self.sets],
            "REMOVE": [f"#{name}" for name in self.removes],
            "ADD": [f"#{name} :add_{name}" for name in self.adds],
            "DELETE": [f"#{name} :delete_{name}" for name in self.deletes],
        }
        values = {
            **{f"set_{name}": value for name, value in self.sets.items()},
            **{f"add_{name}": value for name, value in self.adds.items()},
            **{f"delete_{name}": value for name, value in self.deletes.items()},
        }
        return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts), values


def put(item: Item, condition: str | None = None, **values: Any) -> Write:
    """Store an item; attributes that are None are left out. In the condition `#x` is attribute x, `:x` value x."""
    return Write("Put", {"Item": encode(item), **_expressions({"ConditionExpression": condition}, values)})


def update(key: Key, change: Change, condition: str | None = None, **values: Any) -> Write:
    """Change attributes of an item. In the condition `#x` is attribute x, `:x` value x."""
    expression, changed = change.expression()
    texts = {"UpdateExpression": expression, "ConditionExpression": condition}
    return Write("Update", {"Key": encode(key), **_expressions(texts, {**changed, **values})})


def delete(key: Key, condition: str | None = None, **values: Any) -> Write:
    """Delete an item."""
    return Write("Delete", {"Key": encode(key), **_expressions({"ConditionExpression": condition}, values)})


def check(key: Key, condition: str, **values: Any) -> Write:
    """Write nothing; the transaction succeeds only if the condition holds."""
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

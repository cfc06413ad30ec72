"""The calls of DynamoDB that code makes, in order, with what they were given."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.moto_aws import MotoAws

_EVENT = "before-parameter-build.dynamodb"


@dataclass(frozen=True, slots=True)
class DynamoDbCall:
    """An operation by its name, and its parameters."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def sort_key(self) -> str:
        """Of a call that names one item."""
        key: str = self.parameters["Key"]["sk"]["S"]
        return key


@contextmanager
def dynamodb_calls(moto: MotoAws) -> Iterator[list[DynamoDbCall]]:
    """The calls within the block; a call that the client retries counts once."""
    calls: list[DynamoDbCall] = []

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        calls.append(DynamoDbCall(str(model.name), dict(params)))

    events = moto.services.dynamodb.client.meta.events
    events.register(_EVENT, note)
    try:
        yield calls
    finally:
        events.unregister(_EVENT, note)

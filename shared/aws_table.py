"""The DynamoDB table: strongly consistent reads, and conditional writes in transactions."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from shared.aws_item import Item, Write, decode, encode
from shared.aws_service import AwsService
from shared.table_keys import DUE_INDEX, Key

# The limits of BatchGetItem and BatchWriteItem.
_GET_ITEMS = 100
_WRITE_ITEMS = 25
# Concurrent transactions on the same item conflict: they are retried with exponential backoff and jitter.
_CONFLICT_ATTEMPTS = 12
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
# Some 30 s of pauses, longer than a request of the API may take.
_MOST_ATTEMPTS = 120
_TRANSIENT_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_TRANSIENT_ERRORS = {"TransactionConflictException", "TransactionInProgressException"}
# Above all characters that keys are made of.
_LAST = "~"


class ConditionFailedError(Exception):
    """Conditions of a transaction failed, and nothing was written. `failed`: the names of those writes."""

    def __init__(self, failed: frozenset[str]) -> None:
        super().__init__(f"the conditions of {', '.join(sorted(failed))} do not hold")
        self.failed = failed


class ContentionError(Exception):
    """An operation was retried too often for contention to be the cause."""


async def pause(attempt: int) -> None:
    """Wait before another attempt (0, 1, 2 ...): exponential backoff with full jitter.

    Raises ContentionError after so many attempts that every caller has timed out.
    """
    if attempt >= _MOST_ATTEMPTS:
        raise ContentionError(f"{attempt} attempts did not get through")
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret


class AwsTable:
    """The table. Safe to share; every method may be repeated."""

    def __init__(self, dynamodb: AwsService, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    async def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """One item, or None. An eventually consistent read may return an older state, at half the price."""
        answer = await self._dynamodb.call("get_item", TableName=self._name, Key=encode(key), ConsistentRead=consistent)
        return decode(answer["Item"]) if "Item" in answer else None

    async def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """Several items, in the order of their keys, which must differ."""
        found: dict[tuple[str, str], Item] = {}
        for chunk in _chunks(keys, _GET_ITEMS):
            asked: dict[str, Any] = {self._name: {"Keys": [encode(key) for key in chunk], "ConsistentRead": True}}
            attempt = 0
            while asked:
                answer = await self._dynamodb.call("batch_get_item", RequestItems=asked)
                for item in map(decode, answer["Responses"].get(self._name, [])):
                    found[item["pk"], item["sk"]] = item
                # Over 16 MB, or throttled.
                asked = answer.get("UnprocessedKeys") or {}
                if asked:
                    await pause(attempt)
                    attempt += 1
        return [found.get((key["pk"], key["sk"])) for key in keys]

    async def query(
        self,
        partition: str,
        low: str,
        high: str | None = None,
        *,
        forward: bool = True,
        page_size: int | None = None,
    ) -> AsyncIterator[Item]:
        """Items of a partition in the order of their sort keys, read page by page on demand.

        Args:
            partition: the partition key.
            low: the lowest sort key; without `high` it is a prefix.
            high: the highest sort key, inclusive.
            forward: ascending.
            page_size: items per page; by default as many as fit in 1 MB.
        """
        high = low + _LAST if high is None else high
        parameters = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": encode({":pk": partition, ":low": low, ":high": high}),
            "ConsistentRead": True,
            "ScanIndexForward": forward,
        }
        if low <= high:  # DynamoDB refuses inverted bounds
            async for item in self._pages(parameters, page_size):
                yield item

    async def query_due(self, kind: str, low: str = " ", high: str = _LAST) -> AsyncIterator[Item]:
        """Keys and `due_at` of the due items of a kind, from `low` to `high`, in order. Eventually consistent."""
        parameters = {
            "TableName": self._name,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_kind = :kind AND due_at BETWEEN :low AND :high",
            "ExpressionAttributeValues": encode({":kind": kind, ":low": low, ":high": high}),
        }
        if low <= high:
            async for item in self._pages(parameters, None):
                yield item

    async def write(self, **writes: Write | Sequence[Write]) -> None:
        """Make all writes or none. Conflicts and throttling are retried.

        Raises ConditionFailedError, with the names of the writes whose conditions failed.
        """
        named = [
            (name, one) for name, given in writes.items() for one in ([given] if isinstance(given, Write) else given)
        ]
        attempt = 0
        while True:
            try:
                await self._write_once([one for _, one in named])
            except ClientError as error:
                failed = _failed_conditions(error)
                if failed:
                    raise ConditionFailedError(frozenset(named[place][0] for place in failed)) from error
                attempt += 1
                if not _is_transient(error) or attempt >= _CONFLICT_ATTEMPTS:
                    raise
                await pause(attempt)
            else:
                return

    async def put_many(self, items: Sequence[Item]) -> None:
        """Store items, each by itself."""
        await self._write_batches([{"PutRequest": {"Item": encode(item)}} for item in items])

    async def delete_many(self, keys: Sequence[Key]) -> None:
        """Remove items, each by itself."""
        await self._write_batches([{"DeleteRequest": {"Key": encode(key)}} for key in keys])

    async def _pages(self, parameters: Mapping[str, Any], page_size: int | None) -> AsyncIterator[Item]:
        more: dict[str, Any] = {} if page_size is None else {"Limit": page_size}
        while True:
            page = await self._dynamodb.call("query", **parameters, **more)
            for item in page["Items"]:
                yield decode(item)
            if "LastEvaluatedKey" not in page:
                return
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def _write_once(self, writes: Sequence[Write]) -> None:
        if len(writes) == 1 and writes[0].kind != "ConditionCheck":
            (only,) = writes
            await self._dynamodb.call(f"{only.kind.lower()}_item", TableName=self._name, **only.parameters)
            return
        members = [{write.kind: {"TableName": self._name, **write.parameters}} for write in writes]
        # boto3 adds a token, which makes its own retries idempotent.
        await self._dynamodb.call("transact_write_items", TransactItems=members)

    async def _write_batches(self, requests: Sequence[dict[str, Any]]) -> None:
        for chunk in _chunks(requests, _WRITE_ITEMS):
            asked: dict[str, Any] = {self._name: list(chunk)}
            attempt = 0
            while asked:
                answer = await self._dynamodb.call("batch_write_item", RequestItems=asked)
                asked = answer.get("UnprocessedItems") or {}
                if asked:
                    await pause(attempt)
                    attempt += 1


def _chunks(things: Sequence[Any], size: int) -> list[list[Any]]:
    rest = iter(things)
    return list(iter(lambda: list(islice(rest, size)), []))


def _reasons(error: ClientError) -> list[str]:
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]


def _failed_conditions(error: ClientError) -> frozenset[int]:
    if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
        return frozenset({0})
    return frozenset(place for place, reason in enumerate(_reasons(error)) if reason == "ConditionalCheckFailed")


def _is_transient(error: ClientError) -> bool:
    if error.response["Error"]["Code"] in _TRANSIENT_ERRORS:
        return True
    reasons = {reason for reason in _reasons(error) if reason != "None"}
    return bool(reasons) and reasons <= _TRANSIENT_REASONS

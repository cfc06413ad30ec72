"""The DynamoDB table of the tests."""

from typing import Any

from shared.table_keys import DUE_INDEX


def table_definition(name: str) -> dict[str, Any]:
    """The parameters of CreateTable. The template defines the same table; a test compares them."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", "due_kind", "due_at")
        ],
        "KeySchema": _schema("pk", "sk"),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": DUE_INDEX,
                "KeySchema": _schema("due_kind", "due_at"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

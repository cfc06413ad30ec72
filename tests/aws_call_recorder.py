"""Records which AWS calls code makes, as IAM sees them: action and resource.

recorder = AwsCallRecorder()
recorder.attach(boto3.DEFAULT_SESSION.events)     # before the clients are made
with recorder.acting_as("SendMessageFunction"):
    handler(event, context)
recorder.calls                                    # {"SendMessageFunction": {Call("sqs:SendMessage", "arn:..."), ...}}
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

REGION = "us-east-1"
ACCOUNT = "123456789012"

# What IAM asks of each member of a transaction.
_MEMBER_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


class Emitter(Protocol):
    """botocore's event system."""

    def register(self, event_name: str, handler: Any) -> None: ...


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """What a role must be allowed to do: an IAM action on the ARN of a resource, or on "*" where there is none."""

    action: str
    resource: str


class UnknownOperationError(Exception):
    """An operation whose action and resource are not known here yet."""


class AwsCallRecorder:
    """Notes the calls of all clients made after it was attached, under the role that acts."""

    def __init__(self) -> None:
        self.calls: dict[str, set[Call]] = defaultdict(set)
        self._role: str | None = None

    def attach(self, events: Emitter) -> None:
        """Listen to a session's (or a client's) calls."""
        events.register("before-parameter-build", self._note)

    @contextmanager
    def acting_as(self, role: str) -> Iterator[None]:
        """Note calls under this role; calls outside of any role are not noted. One role at a time."""
        assert self._role is None
        self._role = role
        try:
            yield
        finally:
            self._role = None

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if self._role is not None:
            service = str(model.service_model.service_name)
            self.calls[self._role].update(calls_of(service, str(model.name), params))


def calls_of(service: str, operation: str, params: Mapping[str, Any]) -> set[Call]:
    """An operation of botocore as IAM sees it. Raises UnknownOperationError."""
    match service:
        case "dynamodb":
            return _dynamodb(operation, params)
        case "sqs":
            return {Call(f"sqs:{operation.removesuffix('Batch')}", _queue(operation, params))}
        case "sns":
            topic = params.get("TopicArn") or params["SubscriptionArn"].rpartition(":")[0]
            return {Call(f"sns:{operation.removesuffix('Batch')}", topic)}
        case "secretsmanager":
            return {Call(f"secretsmanager:{operation}", params["SecretId"])}
        case "ecs" if operation == "DescribeTasks":
            cluster = params["cluster"].rpartition("/")[2]
            return {Call("ecs:DescribeTasks", _arn("ecs", f"task/{cluster}/{task}")) for task in params["tasks"]}
    raise UnknownOperationError(f"{service}: {operation}")


def _dynamodb(operation: str, params: Mapping[str, Any]) -> set[Call]:
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            members = [member for item in params["TransactItems"] for member in item.items()]
            return {Call(f"dynamodb:{_MEMBER_ACTIONS[kind]}", _table(one["TableName"])) for kind, one in members}
        case "BatchGetItem" | "BatchWriteItem":
            return {Call(f"dynamodb:{operation}", _table(name)) for name in params["RequestItems"]}
        case "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            return {Call(f"dynamodb:{operation}", _table(params["TableName"]))}
        case "Query":
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            return {Call("dynamodb:Query", _table(params["TableName"]) + index)}
    raise UnknownOperationError(f"dynamodb: {operation}")


def _queue(operation: str, params: Mapping[str, Any]) -> str:
    if operation == "ListQueues":
        return "*"
    return _arn("sqs", params.get("QueueName") or params["QueueUrl"].rpartition("/")[2])


def _table(name: str) -> str:
    return name if name.startswith("arn:") else _arn("dynamodb", f"table/{name}")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

"""Removes the queues of relays whose task has stopped. Run on a schedule: a relay that drains removes its own queue."""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from backend.app.domain.ports import Clock
from shared.aws_service import AwsService
from shared.relay_queues import relay_queue_name, task_of_relay_queue

logger = logging.getLogger(__name__)

_MIN_AGE = timedelta(minutes=10)
# The limit of DescribeTasks.
_DESCRIBED_TASKS = 100
_MISSING_CODES = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class AwsRelayQueues:
    """The queues of all relays of one topic.

    Args:
        sqs, sns, ecs: the services.
        topic_arn: the topic that the queues are subscribed to.
        prefix: how the queues' names begin.
        cluster: the ECS cluster in which the relays run.
        clock: the time of day.
        min_age: younger queues are kept: ECS may not list their task yet.
    """

    def __init__(
        self,
        sqs: AwsService,
        sns: AwsService,
        ecs: AwsService,
        *,
        topic_arn: str,
        prefix: str,
        cluster: str,
        clock: Clock,
        min_age: timedelta = _MIN_AGE,
    ) -> None:
        self._sqs = sqs
        self._sns = sns
        self._ecs = ecs
        self._topic_arn = topic_arn
        self._prefix = prefix
        self._cluster = cluster
        self._clock = clock
        self._min_age = min_age

    async def remove_orphaned_relay_queues(self) -> int:
        """Remove queues and subscriptions of stopped tasks. Returns the number of those tasks. Safe to repeat.

        Raises botocore's ClientError and BotoCoreError; the next call finds what was not removed.
        """
        queues = await self._find_queues()
        subscriptions = await self._find_subscriptions()
        tasks = sorted({*queues, *subscriptions})
        running = await self._find_running_tasks(tasks)
        removed = 0
        for task_id in tasks:
            if task_id in running:
                continue
            # ListQueues may lag by a minute; GetQueueUrl does not.
            queue_url = queues.get(task_id) or await self._find_queue(task_id)
            if queue_url is not None and await self._is_young(queue_url):
                continue
            # The subscription first: after an interruption the queue is still found by its name.
            for subscription_arn in subscriptions.get(task_id, ()):
                await self._sns.call("unsubscribe", SubscriptionArn=subscription_arn)
            if queue_url is not None:
                await self._delete_queue(queue_url)
            logger.warning("Removed the queue of a relay whose task has stopped", extra={"task": task_id})
            removed += 1
        return removed

    async def _find_queues(self) -> dict[str, str]:
        """The URLs of the relays' queues by task."""
        found = {}
        for url in await self._all_pages(
            self._sqs, "list_queues", "QueueUrls", QueueNamePrefix=self._prefix, MaxResults=1000
        ):
            task_id = task_of_relay_queue(self._prefix, url.rsplit("/", 1)[-1])
            if task_id is not None:
                found[task_id] = url
        return found

    async def _find_queue(self, task_id: str) -> str | None:
        try:
            answer = await self._sqs.call("get_queue_url", QueueName=relay_queue_name(self._prefix, task_id))
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return str(answer["QueueUrl"])

    async def _find_subscriptions(self) -> dict[str, list[str]]:
        """The ARNs of the relays' subscriptions by task, among them those of deleted queues."""
        found: dict[str, list[str]] = {}
        pages = self._all_pages(self._sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=self._topic_arn)
        for subscription in await pages:
            task_id = task_of_relay_queue(self._prefix, subscription["Endpoint"].rsplit(":", 1)[-1])
            if task_id is not None and subscription["SubscriptionArn"].startswith("arn:"):
                found.setdefault(task_id, []).append(subscription["SubscriptionArn"])
        return found

    async def _all_pages(self, service: AwsService, operation: str, name: str, **parameters: Any) -> list[Any]:
        found: list[Any] = []
        token: dict[str, str] = {}
        while True:
            page = await service.call(operation, **parameters, **token)
            found += page.get(name, [])
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    async def _find_running_tasks(self, tasks: Sequence[str]) -> set[str]:
        """The tasks that have not stopped, or whose state ECS does not know."""
        running: set[str] = set()
        for chunk in _chunks(tasks, _DESCRIBED_TASKS):
            answer = await self._ecs.call("describe_tasks", cluster=self._cluster, tasks=chunk)
            for task in answer.get("tasks", []):
                if task["lastStatus"] != "STOPPED":
                    running.add(task["taskArn"].rsplit("/", 1)[-1])
            for failure in answer.get("failures", []):
                if failure.get("reason") != "MISSING":
                    running.add(failure.get("arn", "").rsplit("/", 1)[-1])
        return running

    async def _is_young(self, queue_url: str) -> bool:
        try:
            answer = await self._sqs.call(
                "get_queue_attributes", QueueUrl=queue_url, AttributeNames=["CreatedTimestamp"]
            )
        except ClientError as error:
            if _is_missing(error):
                return False
            raise
        created = float(answer["Attributes"]["CreatedTimestamp"])
        return self._clock.now().timestamp() - created < self._min_age.total_seconds()

    async def _delete_queue(self, queue_url: str) -> None:
        try:
            await self._sqs.call("delete_queue", QueueUrl=queue_url)
        except ClientError as error:
            if not _is_missing(error):
                raise


def _is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _MISSING_CODES


def _chunks(things: Iterable[str], size: int) -> list[list[str]]:
    rest = iter(things)
    return list(iter(lambda: list(islice(rest, size)), []))

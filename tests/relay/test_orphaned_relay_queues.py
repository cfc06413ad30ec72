"""The schedule removes the queues of killed relays, and no other queue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backend.app.adapters.aws.relay_queues import AwsRelayQueues
from backend.relay.aws.relay_queue import AwsRelayQueue
from tests.moto_server import Moto
from tests.relay.aws_topic import PREFIX, FaultyClient, Topic, new_task_id, queue_name, refused
from tests.relay.ecs_tasks import CLUSTER, create_cluster, run_task

LATER = timedelta(minutes=30)


class LaterClock:
    """The time of day, half an hour ahead: every queue is old."""

    def now(self) -> datetime:
        return datetime.now(UTC) + LATER


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(autouse=True)
def cluster(moto: Moto, topic: Topic) -> Iterator[None]:
    """The cluster is there; in the end no queue is left."""
    create_cluster(moto)
    yield
    for url in topic.sqs.client.list_queues().get("QueueUrls", []):
        topic.sqs.client.delete_queue(QueueUrl=url)


def relay_queues(topic: Topic, clock: LaterClock | RealClock | None = None) -> AwsRelayQueues:
    return AwsRelayQueues(
        topic.service(topic.sqs),
        topic.service(topic.sns),
        topic.service(topic.ecs),
        topic_arn=topic.arn,
        prefix=PREFIX,
        cluster=CLUSTER,
        clock=clock or LaterClock(),
    )


async def open_queue(topic: Topic, task_id: str) -> str:
    """What a relay that runs as this task has."""
    await AwsRelayQueue(topic.service(topic.sqs), topic.service(topic.sns), topic.arn, queue_name(task_id)).open()
    return task_id


def answer_describe_tasks(topic: Topic, **answer: Any) -> None:
    """Have ECS answer in a way that moto does not."""

    class Answering(FaultyClient):
        def describe_tasks(self, **_: object) -> dict[str, Any]:
            return answer

    topic.ecs = Answering(topic.ecs.client)


async def test_the_queue_and_subscription_of_a_missing_task_are_removed(topic: Topic) -> None:
    orphan = await open_queue(topic, new_task_id())
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 1
    assert topic.queue_url(orphan) is None
    assert topic.subscriptions() == []
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 0


async def test_the_queue_of_a_running_task_is_kept(moto: Moto, topic: Topic) -> None:
    running = await open_queue(topic, run_task(moto))
    orphan = await open_queue(topic, new_task_id())
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 1
    assert (topic.queue_url(running) is None, topic.queue_url(orphan) is None) == (False, True)
    assert [one["Endpoint"].rsplit(":", 1)[-1] for one in topic.subscriptions()] == [queue_name(running)]


async def test_the_queue_of_a_stopped_task_is_removed(moto: Moto, topic: Topic) -> None:
    stopped = await open_queue(topic, run_task(moto))
    topic.ecs.client.stop_task(cluster=CLUSTER, task=stopped)
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 1
    assert topic.queue_url(stopped) is None


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"])
async def test_the_queue_of_a_task_that_has_not_stopped_is_kept(topic: Topic, status: str) -> None:
    task_id = await open_queue(topic, new_task_id())
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/{CLUSTER}/{task_id}"
    answer_describe_tasks(topic, tasks=[{"taskArn": arn, "lastStatus": status}], failures=[])
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 0
    assert topic.queue_url(task_id) is not None


@pytest.mark.parametrize(("reason", "removed"), [("MISSING", 1), ("SOMETHING_ELSE", 0)])
async def test_only_the_failure_missing_counts_as_a_missing_task(topic: Topic, reason: str, removed: int) -> None:
    task_id = await open_queue(topic, new_task_id())
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/{CLUSTER}/{task_id}"
    answer_describe_tasks(topic, tasks=[], failures=[{"arn": arn, "reason": reason}])
    assert await relay_queues(topic).remove_orphaned_relay_queues() == removed


async def test_a_new_queue_is_kept(topic: Topic) -> None:
    young = await open_queue(topic, new_task_id())
    assert await relay_queues(topic, RealClock()).remove_orphaned_relay_queues() == 0
    assert topic.queue_url(young) is not None
    assert len(topic.subscriptions()) == 1


async def test_a_new_queue_that_is_not_listed_yet_keeps_its_subscription(topic: Topic) -> None:
    class Lagging(FaultyClient):
        def list_queues(self, **_: object) -> dict[str, Any]:
            return {}

    await open_queue(topic, new_task_id())
    topic.sqs = Lagging(topic.sqs.client)
    assert await relay_queues(topic, RealClock()).remove_orphaned_relay_queues() == 0
    assert len(topic.subscriptions()) == 1


async def test_other_queues_are_kept(topic: Topic) -> None:
    names = [
        "turns.fifo",
        f"{PREFIX}developer-laptop-1a2b.fifo",
        f"{PREFIX}{new_task_id()}-dead-letters.fifo",
        f"x{PREFIX}{new_task_id()}.fifo",
    ]
    for name in names:
        topic.sqs.client.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
    topic.sqs.client.create_queue(QueueName=f"{PREFIX}{new_task_id()}")
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 0
    assert len(topic.sqs.client.list_queues()["QueueUrls"]) == 5


async def test_a_subscription_without_its_queue_is_removed(topic: Topic) -> None:
    orphan = await open_queue(topic, new_task_id())
    topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(orphan))
    assert await relay_queues(topic, RealClock()).remove_orphaned_relay_queues() == 1
    assert topic.subscriptions() == []


async def test_an_interrupted_removal_is_finished_by_the_next_run(topic: Topic) -> None:
    orphan = await open_queue(topic, new_task_id())
    topic.sqs.fail("delete_queue", refused("DeleteQueue", "RequestThrottled"))
    with pytest.raises(ClientError, match="RequestThrottled"):
        await relay_queues(topic).remove_orphaned_relay_queues()
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 1
    assert topic.queue_url(orphan) is None


async def test_nothing_is_removed_while_ecs_does_not_answer(topic: Topic) -> None:
    task_id = await open_queue(topic, new_task_id())
    topic.ecs.fail("describe_tasks", refused("DescribeTasks", "ThrottlingException"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        await relay_queues(topic).remove_orphaned_relay_queues()
    assert topic.queue_url(task_id) is not None
    assert len(topic.subscriptions()) == 1


async def test_without_relays_ecs_is_not_called(topic: Topic) -> None:
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 0
    assert topic.ecs.calls == []


async def test_more_queues_than_one_page_are_all_checked(topic: Topic) -> None:
    for _ in range(105):
        name = queue_name(new_task_id())
        topic.sqs.client.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
    assert await relay_queues(topic).remove_orphaned_relay_queues() == 105
    assert topic.ecs.calls == ["describe_tasks"] * 2

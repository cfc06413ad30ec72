"""Notices that ECS is about to stop this task, before SIGTERM does.

ECS first deregisters a task from the load balancer and waits for the deregistration delay, at whose end the load
balancer closes all connections; only then it sends SIGTERM. That is too late to drain clients one after the other, so a
relay polls its task's desired status.
"""

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

from backend.relay.aws.relay_queue import describe
from shared.aws_service import AwsService

logger = logging.getLogger(__name__)

# A small part of the deregistration delay, which the template sets.
CHECK_SECONDS = 10.0


async def wait_for_task_stop(ecs: AwsService, cluster: str, task_id: str, seconds: float) -> None:
    """Return once ECS wants the task to stop. AWS errors are retried: at worst SIGTERM stops the task later.

    Args:
        ecs: the service.
        cluster: the task's cluster, by name or ARN.
        task_id: the task.
        seconds: the time between two polls.
    """
    failures = 0
    while True:
        try:
            answer = await ecs.call("describe_tasks", cluster=cluster, tasks=[task_id])
        except (ClientError, BotoCoreError) as error:
            failures += 1
            if failures == 1:
                logger.warning("ECS does not say whether this task is to stop: %s", describe(error))
        else:
            failures = 0
            if any(task.get("desiredStatus") == "STOPPED" for task in answer["tasks"]):
                return
        await asyncio.sleep(seconds)

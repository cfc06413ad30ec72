"""Whether ECS is about to take this task away.

A service that stops a task first takes it out of the load balancer and waits, at most for the deregistration delay, at
whose end the load balancer cuts all connections at once; only then comes SIGTERM. So a relay that has clients to send
away one after the other must not wait for the signal, and asks.
"""

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

from backend.relay.aws.relay_queue import describe
from shared.aws_service import AwsService

logger = logging.getLogger(__name__)


async def wait_for_task_stop(ecs: AwsService, cluster: str, task_id: str, seconds: float) -> None:
    """Return once ECS wants the task to stop. What goes wrong with AWS is waited out: SIGTERM comes all the same.

    Args:
        ecs: the service.
        cluster: the task's cluster, by name or ARN.
        task_id: the task.
        seconds: between two questions.
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

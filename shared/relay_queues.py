"""The names of the relays' queues: each relay creates its own, and the schedule removes orphaned ones."""

import re

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")
_ECS_TASK_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def relay_queue_name(prefix: str, task_id: str) -> str:
    """The name of the queue of the relay that runs as this task. Raises ValueError if SQS would refuse it."""
    name = f"{prefix}{task_id}.fifo"
    if not _QUEUE_NAME.fullmatch(name):
        raise ValueError(f"{name} is no name for an SQS FIFO queue: letters, digits, - and _, at most 80 with .fifo")
    return name


def task_of_relay_queue(prefix: str, name: str) -> str | None:
    """The ECS task that a queue belongs to; None if it is not the queue of a relay on ECS."""
    if not name.startswith(prefix) or not name.endswith(".fifo"):
        return None
    task_id = name.removeprefix(prefix).removesuffix(".fifo")
    return task_id if _ECS_TASK_ID.fullmatch(task_id) else None

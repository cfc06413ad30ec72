"""The id of this ECS task, which names the relay's queue."""

import json
import logging
import re
import secrets
import socket
import time
import urllib.request

logger = logging.getLogger(__name__)

_ATTEMPTS = 5
_TIMEOUT_SECONDS = 2.0
_PAUSE_SECONDS = 0.5


class UnknownTaskError(Exception):
    """ECS runs this container, but its metadata endpoint does not name the task."""


def find_task_id(metadata_uri: str | None, pause_seconds: float = _PAUSE_SECONDS) -> str:
    """The id of this ECS task; outside ECS the host's name and random characters.

    Args:
        metadata_uri: ECS_CONTAINER_METADATA_URI_V4, which ECS sets in each container.
        pause_seconds: between attempts.

    Raises:
        UnknownTaskError: ECS did not answer. With a random name the queue could not be attributed to its task.
    """
    if metadata_uri is None:
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:24]
        name = f"{host}-{secrets.token_hex(4)}"
        logger.warning("Not in an ECS task: the queue is named after %s, and no schedule removes it", name)
        return name
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause_seconds)
        try:
            with urllib.request.urlopen(f"{metadata_uri}/task", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - ECS gave it
                return str(json.load(answer)["TaskARN"]).rsplit("/", 1)[-1]
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = type(error).__name__
    raise UnknownTaskError(f"The ECS metadata endpoint did not name this task in {_ATTEMPTS} attempts: {problem}")

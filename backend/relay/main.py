"""The process of the relay's container: `python -m backend.relay.main`."""

import shared.empty_variables  # noqa: F401 - has its effect on import

import asyncio
import logging
import os
import sys

import uvloop
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from backend.relay.aws.emf import SERVICE
from backend.relay.aws.task_identity import UnknownTaskError, find_task_id
from backend.relay.process import run_relay
from backend.relay.settings import RelayProcessSettings
from shared.environment import InvalidSettingsError, read_settings
from shared.server_process import listen

logger = logging.getLogger("backend.relay")


async def run(settings: RelayProcessSettings, task_id: str) -> bool:
    """Run until a signal stops it. Returns whether no part of it failed. Raises OSError and ValueError."""
    with listen(settings.host, settings.port) as listener:
        async with run_relay(settings, task_id) as server:
            logger.info("The relay starts", extra={"task": task_id})
            await server.serve(sockets=[listener])
    logger.info("The relay has unsubscribed from the topic and stops", extra={"task": task_id})
    return not server.has_failed


def main() -> int:
    """Start, or log one line that says why not. Returns the exit status."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LambdaPowertoolsFormatter(service=SERVICE))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logger.setLevel(logging.INFO)
    try:
        settings = read_settings(RelayProcessSettings, os.environ)
        task_id = find_task_id(os.environ.get("ECS_CONTAINER_METADATA_URI_V4"))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return 0 if runner.run(run(settings, task_id)) else 1
    except (InvalidSettingsError, UnknownTaskError, ValueError, OSError) as error:
        logger.critical("The relay cannot start: %s", error)
        return 1


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit(): that would wait for the thread of the last long poll, for up to 20 s.
    os._exit(status)

"""The relay of a container: its own queue on the topic as source, and the log in DynamoDB."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from backend.relay.aws.ecs_drain_watch import CHECK_SECONDS, wait_for_task_stop
from backend.relay.aws.emf import Occupancy, report, report_regularly
from backend.relay.aws.event_source import POLL_SECONDS, AwsEventSource
from backend.relay.aws.relay_queue import AwsRelayQueue
from backend.relay.health import HealthApp
from backend.relay.metrics import RelayMetrics
from backend.relay.relay import Relay
from backend.relay.settings import RelayProcessSettings
from backend.relay.transport.relay_http_server import RelayHttpServer, build_server
from shared.aws_access import AwsAccess
from shared.aws_event_log import AwsEventLog
from shared.aws_service import build_service
from shared.aws_table import AwsTable
from shared.jwt_authenticator import build_authenticator
from shared.relay_queues import relay_queue_name
from shared.server_process import freeze_imports, run_parts

logger = logging.getLogger(__name__)

# Beyond the time of a long poll, for its response to arrive.
_NETWORK_SECONDS = 10.0


@asynccontextmanager
async def run_relay(settings: RelayProcessSettings, task_id: str) -> AsyncIterator[RelayHttpServer]:
    """Run all parts but the listener, and yield the server. At the end the queue is removed.

    Raises ValueError if the task's id makes no valid queue name.
    """
    metrics = RelayMetrics()
    source = build_source(settings, task_id, metrics)
    table = AwsTable(build_service("dynamodb"), settings.table_name)
    log = AwsEventLog(table, partial(datetime.now, UTC))
    relay = Relay(build_authenticator(settings), AwsAccess(table), log, settings, metrics)
    health = HealthApp(lambda: source.is_receiving.is_set() and not server.should_exit)
    server = build_server(relay.sio.asgi_app(health), settings.drain_seconds, settings.max_packet_bytes)
    server.before_shutdown = partial(relay.drain_clients, settings.drain_seconds)

    def occupancy() -> Occupancy:
        return Occupancy(relay.connections, relay.rooms)

    async with AsyncExitStack() as stack:
        stack.callback(lambda: report(metrics, occupancy(), settings.stack))
        stack.push_async_callback(source.close)
        parts = {
            "relay": relay.run(source),
            "probe": source.probe(),
            "report": report_regularly(metrics, occupancy, settings.stack),
            "drain watch": _stop_with_task(server, settings, task_id),
        }
        # A failed part stops the process, and ECS starts another task: without one part a relay would look healthy.
        await stack.enter_async_context(run_parts(parts, partial(_end_with, server)))
        freeze_imports()
        yield server


def build_source(settings: RelayProcessSettings, task_id: str, metrics: RelayMetrics) -> AwsEventSource:
    """The event source of a task. Raises ValueError if the task's id makes no valid queue name."""
    queue = AwsRelayQueue(
        build_service("sqs", read_seconds=POLL_SECONDS + _NETWORK_SECONDS),
        build_service("sns"),
        settings.topic_arn,
        relay_queue_name(settings.relay_queue_prefix, task_id),
    )
    return AwsEventSource(queue, metrics, wait_seconds=POLL_SECONDS)


async def _stop_with_task(server: RelayHttpServer, settings: RelayProcessSettings, task_id: str) -> None:
    if settings.relay_cluster is not None:
        await wait_for_task_stop(build_service("ecs"), settings.relay_cluster, task_id, CHECK_SECONDS)
        logger.info("ECS stops this task: the relay drains its clients")
        server.should_exit = True


def _end_with(server: RelayHttpServer, part: str, error: BaseException) -> None:
    logger.critical("The %s failed", part, exc_info=error)
    server.should_exit = server.has_failed = True

"""The relay of a container: Socket.IO over its own queue on the topic, and the log in DynamoDB."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from backend.relay.aws.ecs_drain_watch import wait_for_task_stop
from backend.relay.aws.emf import Occupancy, report, report_regularly
from backend.relay.aws.event_source import AwsEventSource
from backend.relay.aws.relay_queue import AwsRelayQueue
from backend.relay.health import HealthApp
from backend.relay.metrics import RelayMetrics
from backend.relay.relay import Relay
from backend.relay.settings import RelayProcessSettings
from backend.relay.transport.http_server import RelayHttpServer, build_server
from shared.aws_access import AwsAccess
from shared.aws_event_log import AwsEventLog
from shared.aws_service import build_service
from shared.aws_table import AwsTable
from shared.jwt_authenticator import build_authenticator
from shared.relay_queues import relay_queue_name
from shared.server_process import freeze_imports, run_parts

logger = logging.getLogger(__name__)

# A long poll is answered when its time is over; the network gets this much more.
_NETWORK_SECONDS = 10.0


@asynccontextmanager
async def run_relay(settings: RelayProcessSettings, task_id: str) -> AsyncIterator[RelayHttpServer]:
    """Run everything but the listening: the server is ready to serve. On leaving, the queue is removed.

    Raises ValueError where the task's queue cannot be named.
    """
    metrics = RelayMetrics()
    source = build_source(settings, task_id, metrics)
    table = AwsTable(build_service("dynamodb"), settings.table_name)
    log = AwsEventLog(table, partial(datetime.now, UTC))
    relay = Relay(build_authenticator(settings), AwsAccess(table), log, settings, metrics)
    health = HealthApp(lambda: source.proven.is_set() and not server.should_exit)
    server = build_server(relay.sio.asgi_app(health), settings.drain_seconds, settings.max_packet_bytes)
    server.before_shutdown = partial(relay.drain_clients, settings.drain_seconds)

    def occupancy() -> Occupancy:
        return Occupancy(relay.connections, relay.rooms)

    async with AsyncExitStack() as stack:
        stack.callback(lambda: report(metrics, occupancy(), settings.stack))
        stack.push_async_callback(source.close)
        parts = {
            "relay": relay.run(source),
            "probe": source.prove(),
            "report": report_regularly(metrics, occupancy, settings.stack),
            "drain watch": _stop_with_the_task(server, settings, task_id),
        }
        # A part that dies takes the process down, and ECS starts another: half a relay looks healthy and gets no event.
        await stack.enter_async_context(run_parts(parts, partial(_end_with, server)))
        freeze_imports()
        yield server


def build_source(settings: RelayProcessSettings, task_id: str, metrics: RelayMetrics) -> AwsEventSource:
    """The event source of a task. Raises ValueError where its queue cannot be named."""
    queue = AwsRelayQueue(
        build_service("sqs", read_seconds=settings.poll_seconds + _NETWORK_SECONDS),
        build_service("sns"),
        settings.topic_arn,
        relay_queue_name(settings.relay_queue_prefix, task_id),
    )
    return AwsEventSource(queue, metrics, wait_seconds=settings.poll_seconds)


async def _stop_with_the_task(server: RelayHttpServer, settings: RelayProcessSettings, task_id: str) -> None:
    if settings.relay_cluster is not None:
        await wait_for_task_stop(build_service("ecs"), settings.relay_cluster, task_id, settings.retirement_seconds)
        logger.info("ECS takes this task away: the relay leaves")
        server.should_exit = True


def _end_with(server: RelayHttpServer, part: str, error: BaseException) -> None:
    logger.critical("The %s died", part, exc_info=error)
    server.should_exit = server.has_failed = True

"""Wires the adapters of AWS."""

from dataclasses import dataclass
from typing import Self

from backend.app.adapters.aws.completion_waiter import AwsCompletionWaiter
from backend.app.adapters.aws.erasure_store import AwsErasureStore
from backend.app.adapters.aws.event_bus import AwsEventBus
from backend.app.adapters.aws.event_writer import AwsEventWriter
from backend.app.adapters.aws.message_store import AwsMessageStore
from backend.app.adapters.aws.project_store import AwsProjectStore
from backend.app.adapters.aws.session_store import AwsSessionStore
from backend.app.adapters.aws.turn_queue import AwsTurnQueue
from backend.app.adapters.aws.turn_store import AwsTurnStore
from backend.app.adapters.aws.wait_slots import AwsWaitSlots
from backend.app.adapters.system_clock import SystemClock
from backend.app.adapters.thread_offloader import ThreadOffloader
from backend.app.adapters.uuid7_ids import Uuid7Ids
from backend.app.domain.engine import Engine
from backend.app.domain.ports import Clock, IdGenerator
from backend.app.settings import AwsSettings
from shared.aws_access import AwsAccess
from shared.aws_event_log import AwsEventLog
from shared.aws_service import AwsService, build_service
from shared.aws_table import AwsTable

# A handler must not delay its response for events; the rest is sent during the next invocation.
_FLUSH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AwsServices:
    """The services that the engine calls."""

    dynamodb: AwsService
    sqs: AwsService
    sns: AwsService

    @classmethod
    def build(cls) -> Self:
        """The services at the environment's endpoints. DynamoDB's client is created now: every use case needs it."""
        return cls(build_service("dynamodb").ready(), build_service("sqs"), build_service("sns"))


@dataclass(frozen=True, slots=True)
class AwsEngine(Engine):
    """The engine on DynamoDB, SQS and SNS. Make one per process."""

    queue: AwsTurnQueue
    bus: AwsEventBus

    async def flush(self) -> int:
        """Wait, for seconds at most, until published events are sent. Safe to repeat.

        Returns how many were dropped since the last call.
        """
        await self.bus.flush(_FLUSH_SECONDS)
        return self.bus.take_dropped()

    async def close(self) -> None:
        """Stop publishing. Safe to repeat."""
        await self.bus.close()


def build_aws_engine(
    settings: AwsSettings,
    services: AwsServices | None = None,
    clock: Clock | None = None,
    ids: IdGenerator | None = None,
) -> AwsEngine:
    """The engine on the resources that the settings name, by default with this machine's clock and new UUIDs."""
    services = services or AwsServices.build()
    clock, ids = clock or SystemClock(), ids or Uuid7Ids()
    table = AwsTable(services.dynamodb, settings.table_name)
    writer = AwsEventWriter(table)
    projects = AwsProjectStore(table)
    return AwsEngine(
        projects=projects,
        access=AwsAccess(table),
        sessions=AwsSessionStore(table),
        erasure=AwsErasureStore(table, projects),
        messages=AwsMessageStore(table, writer),
        turns=AwsTurnStore(table, writer),
        events=AwsEventLog(table, clock.now),
        queue=AwsTurnQueue(services.sqs, settings.turn_queue_url, ids),
        bus=AwsEventBus(services.sns, settings.topic_arn),
        completion_waiter=AwsCompletionWaiter(table),
        wait_slots=AwsWaitSlots(table, clock, ids),
        clock=clock,
        ids=ids,
        offloader=ThreadOffloader(),
    )

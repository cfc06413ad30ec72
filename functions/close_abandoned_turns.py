"""Closes abandoned turns, orphaned sessions and relay queues on a schedule, and turns in the dead-letter queue."""

from functions.start import start_function

import asyncio
import logging
from typing import Any

from backend.app.adapters.aws.relay_queues import AwsRelayQueues
from backend.app.memory.memory_eraser import MemoryEraser
from backend.app.settings import AwsSettings
from backend.app.wiring_aws import AwsServices, build_aws_engine
from backend.app.wiring_clean_up import build_clean_up_services
from functions.event_handler import Part, do_all_parts, event_handler
from functions.telemetry import Handler, Json, Telemetry
from functions.turn_notifications import CountingBus, with_bus
from shared.aws_service import build_service
from shared.environment import InvalidSettingsError

logger = logging.getLogger(__name__)


def _build_handler(settings: AwsSettings, telemetry: Telemetry) -> Handler:
    if settings.relay_queue_prefix is None or settings.relay_cluster is None:
        raise InvalidSettingsError(
            "VIBEWIRE_RELAY_QUEUE_PREFIX and VIBEWIRE_RELAY_CLUSTER: needed to remove orphaned relay queues"
        )
    aws = AwsServices.build()
    engine = build_aws_engine(settings, aws)
    counted = with_bus(engine, CountingBus(engine.bus, telemetry))
    services = build_clean_up_services(settings, counted, MemoryEraser(settings.memory_dir))
    relay_queues = AwsRelayQueues(
        aws.sqs,
        aws.sns,
        build_service("ecs"),
        topic_arn=settings.topic_arn,
        prefix=settings.relay_queue_prefix,
        cluster=settings.relay_cluster,
        clock=engine.clock,
    )

    async def close_abandoned_turns() -> int:
        found = await services.abandoned.close_abandoned_turns()
        telemetry.count("TurnWaiting", found.waiting)
        return found.lost

    abandoned: dict[str, Part] = {"TurnAbandoned": close_abandoned_turns}
    everything: dict[str, Part] = {
        **abandoned,
        "OrphanedSessionDeleted": services.sessions.delete_orphaned_sessions,
        "RelayQueueRemoved": relay_queues.remove_orphaned_relay_queues,
    }

    async def close(event: Json, _context: Any) -> Json:
        dead = event.get("Records", [])
        if dead:
            logger.error("%s notifications went to the dead-letter queue", len(dead))
            telemetry.count("NotificationDead", len(dead))
        done = await do_all_parts(abandoned if dead else everything, telemetry)
        for metric, found in done.items():
            telemetry.count(metric, found)
        return done

    return event_handler(close, engine.flush, telemetry, asyncio.Runner())


handler = start_function("close_abandoned_turns", _build_handler)

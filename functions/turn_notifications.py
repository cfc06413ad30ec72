"""Handles the turn notifications of an SQS event, one after the other."""

import logging
from dataclasses import replace
from typing import Any, assert_never

from backend.app.adapters.aws.turn_queue import MalformedNotificationError, parse_notification
from backend.app.domain.engine import Engine
from backend.app.domain.ports import EventBus, TurnNotification, TurnQueue
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from backend.app.domain.turns.outcome import Done, Outcome, Requeue
from backend.app.domain.turns.turn_service import TurnService
from functions.telemetry import Json, Telemetry
from shared.bus_messages import BusMessage
from shared.events import EndingEvent, MessageCancelledEvent, MessageFailedEvent, VibecodeResponseEvent

logger = logging.getLogger(__name__)

# A notification that could not be handled (the store fails) is delivered again after so many seconds.
_AFTER_FAILURE_SECONDS = 5.0
# The turn is released this long before the runtime ends the process, so that it can be started again immediately.
_LAST_SECONDS = 8.0
_LAST_SHARE = 0.2


class CountingBus:
    """An EventBus that counts how turns end, and passes all events on to another bus."""

    def __init__(self, bus: EventBus, telemetry: Telemetry) -> None:
        self._bus = bus
        self._telemetry = telemetry

    async def publish(self, event: BusMessage) -> None:
        """See EventBus."""
        if isinstance(event, EndingEvent):
            self._telemetry.count(_metric_of(event))
        await self._bus.publish(event)


def _metric_of(event: EndingEvent) -> str:
    match event:
        case VibecodeResponseEvent():
            return "TurnCompleted"
        case MessageFailedEvent():
            return "TurnFailed"
        case MessageCancelledEvent():
            return "TurnCancelled"
        case _:
            assert_never(event)


def with_bus(engine: Engine, bus: EventBus) -> Engine:
    """The engine with another bus in the place of its own."""
    return replace(engine, bus=bus)


class NotificationHandler:
    """Runs the turns that notifications are for. A failing turn never raises."""

    def __init__(self, turns: TurnService, queue: TurnQueue, lease_seconds: float, telemetry: Telemetry) -> None:
        self._turns = turns
        self._queue = queue
        self._lease_seconds = lease_seconds
        self._telemetry = telemetry

    async def handle_all(self, event: Json, context: Any) -> Json:
        """Handle each record of an SQS event. Returns a partial batch response with those to be delivered again.

        After the first such record the others are returned unhandled: within a session they must not overtake it.
        """
        failed: list[str] = []
        for record in event.get("Records", []):
            if failed or not await self._handle(record, context.get_remaining_time_in_millis() / 1000):
                failed.append(record["messageId"])
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _handle(self, record: Json, seconds_left: float) -> bool:
        """Handle one record. False where its notification is returned to the queue."""
        try:
            notification = parse_notification(
                str(record.get("body")), record.get("attributes", {}).get("MessageGroupId")
            )
        except MalformedNotificationError:
            # Another delivery would not help.
            logger.exception("A message in the queue is no notification; it is deleted")
            self._telemetry.count("NotificationMalformed")
            return True
        self._telemetry.logger.append_keys(session_id=notification.session_id, message_id=notification.message_id)
        receipt_handle: str = record["receiptHandle"]
        # The queue hides a message for as long as the function may run. If this process dies, that is too long.
        await self._hide(receipt_handle, self._lease_seconds)
        outcome = await self._run(
            notification, receipt_handle, seconds_left - min(_LAST_SECONDS, _LAST_SHARE * seconds_left)
        )
        match outcome:
            case Done():
                return True
            case Requeue(seconds):
                logger.info("The notification is requeued for %s s", seconds)
                self._telemetry.count("NotificationRequeued")
                await self._hide(receipt_handle, seconds)
                return False
            case _:
                assert_never(outcome)

    async def _run(self, notification: TurnNotification, receipt_handle: str, seconds: float) -> Outcome:
        try:
            async with deadline(seconds_from_now(seconds)):
                return await self._turns.run_turn(notification, receipt_handle)
        except DeadlineExceededError:
            logger.warning("The function is about to time out: the turn is released and requeued")
            return Requeue(0.0)
        except Exception:
            logger.exception("The notification could not be handled")
            self._telemetry.count("NotificationFailed")
            return Requeue(_AFTER_FAILURE_SECONDS)

    async def _hide(self, receipt_handle: str, seconds: float) -> None:
        try:
            await self._queue.extend(receipt_handle, seconds)
        except Exception:
            # It is delivered again when the queue's own visibility timeout is over: later, but not lost.
            logger.exception("The visibility of a notification could not be changed")

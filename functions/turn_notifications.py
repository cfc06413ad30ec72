"""Answers notifications out of SQS: one by one, each with an outcome of its own."""

import logging
from dataclasses import fields
from typing import Any

from backend.app.adapters.aws.turn_queue import MalformedNotificationError, parse_notification
from backend.app.domain.engine import Engine
from backend.app.domain.ports import EventBus, TurnNotification, TurnQueue
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from backend.app.domain.turns.turn_service import TurnService
from functions.telemetry import Json, Telemetry
from shared.bus_messages import BusMessage

logger = logging.getLogger(__name__)

# A notification that could not be answered (the store fails) rings again after so many seconds.
_AFTER_FAILURE_SECONDS = 5.0
# Before the runtime ends the process the turn is let go, to be begun again at once.
_LAST_SECONDS = 8.0
_LAST_SHARE = 0.2
_METRIC_OF_EVENT = {
    "vibecode_response": "TurnCompleted",
    "message_failed": "TurnFailed",
    "message_cancelled": "TurnCancelled",
}


class CountingBus:
    """An EventBus that counts how turns end, before it hands their events on."""

    def __init__(self, bus: EventBus, telemetry: Telemetry) -> None:
        self._bus = bus
        self._telemetry = telemetry

    async def publish(self, event: BusMessage) -> None:
        """See EventBus."""
        if metric := _METRIC_OF_EVENT.get(event.type):
            self._telemetry.count(metric)
        await self._bus.publish(event)


def with_bus(engine: Engine, bus: EventBus) -> Engine:
    """The engine with another bus before it."""
    adapters = {one.name: getattr(engine, one.name) for one in fields(Engine)}
    return Engine(**{**adapters, "bus": bus})


class NotificationHandler:
    """Runs the turns that notifications ring for. No turn's failure leaves it as an exception."""

    def __init__(self, turns: TurnService, queue: TurnQueue, lease_seconds: float, telemetry: Telemetry) -> None:
        self._turns = turns
        self._queue = queue
        self._lease_seconds = lease_seconds
        self._telemetry = telemetry

    async def answer_all(self, event: Json, context: Any) -> Json:
        """Answer each record of an SQS event: a partial batch response with those that must ring again.

        After the first such one the others are put back unanswered: within a session they must not overtake it.
        """
        failed: list[str] = []
        for record in event.get("Records", []):
            if failed or not await self._answer(record, context.get_remaining_time_in_millis() / 1000):
                failed.append(record["messageId"])
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _answer(self, record: Json, seconds_left: float) -> bool:
        """Whether the notification is answered; else it is on its way back into the queue."""
        try:
            notification = parse_notification(
                str(record.get("body")), record.get("attributes", {}).get("MessageGroupId")
            )
        except MalformedNotificationError:
            # It would be no better the next time.
            logger.exception("Not a notification; it is thrown away")
            self._telemetry.count("NotificationMalformed")
            return True
        self._telemetry.logger.append_keys(session_id=notification.session_id, message_id=notification.message_id)
        receipt_handle: str = record["receiptHandle"]
        # The queue hides a message for as long as the function may run; a process that dies must be noticed sooner.
        await self._hide(receipt_handle, self._lease_seconds)
        requeue = await self._run(
            notification, receipt_handle, seconds_left - min(_LAST_SECONDS, _LAST_SHARE * seconds_left)
        )
        if requeue is None:
            return True
        logger.info("The notification rings again in %s s", requeue)
        self._telemetry.count("NotificationRequeued")
        await self._hide(receipt_handle, requeue)
        return False

    async def _run(self, notification: TurnNotification, receipt_handle: str, seconds: float) -> float | None:
        try:
            async with deadline(seconds_from_now(seconds)):
                return await self._turns.run_turn(notification, receipt_handle)
        except DeadlineExceededError:
            logger.warning("The function's time is over: the turn is let go, to be begun again")
            return 0.0
        except Exception:
            logger.exception("The notification could not be answered")
            self._telemetry.count("NotificationFailed")
            return _AFTER_FAILURE_SECONDS

    async def _hide(self, receipt_handle: str, seconds: float) -> None:
        try:
            await self._queue.extend(receipt_handle, seconds)
        except Exception:
            # It then rings again when the queue's own time is over: later, but it does.
            logger.exception("The notification's visibility could not be changed")

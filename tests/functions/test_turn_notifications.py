"""The handling of turn notifications, for each outcome of their turns."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.outcome import Done, Outcome, Requeue
from backend.app.domain.turns.turn_service import TurnService
from functions.telemetry import Telemetry
from functions.turn_notifications import NotificationHandler
from tests.functions.conftest import Context, Printed
from tests.functions.lambda_events import Json, notification_event

SESSION = "01a207ba-1a51-7211-abbd-ebd58bdabe72"
MESSAGE = "01a207ba-1a6f-7375-8ce3-973e75bb61ac"
LEASE_SECONDS = 60.0
RECORD_ID = "059f36b4-87a3-44ab-83d2-661975830a7d"
REQUEUED = {"batchItemFailures": [{"itemIdentifier": RECORD_ID}]}
ACKNOWLEDGED: Json = {"batchItemFailures": []}
Run = Callable[[TurnNotification, str], Awaitable[Outcome]]


class Queue:
    """Remembers for how long notifications were hidden."""

    def __init__(self) -> None:
        self.hidden: list[tuple[str, float]] = []
        self.broken = False

    async def enqueue(self, notification: TurnNotification) -> None:
        raise AssertionError("nothing should be enqueued")

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        if self.broken:
            raise OSError("the queue does not exist")
        self.hidden.append((receipt_handle, seconds))


class Turns:
    """A TurnService that runs a function of the test."""

    def __init__(self, run: Run) -> None:
        self.run_turn = run


@pytest.fixture
def queue() -> Queue:
    return Queue()


async def answer(
    run: Run, queue: Queue, telemetry: Telemetry, event: Json | None = None, context: Context | None = None
) -> Json:
    answerer = NotificationHandler(cast(TurnService, Turns(run)), queue, LEASE_SECONDS, telemetry)
    return await answerer.handle_all(
        event or notification_event(SESSION, MESSAGE, "receipt-handle"), context or Context()
    )


def returns(outcome: Outcome) -> Run:
    async def run(notification: TurnNotification, receipt_handle: str) -> Outcome:
        assert (notification, receipt_handle) == (TurnNotification(SESSION, MESSAGE), "receipt-handle")
        return outcome

    return run


async def must_not_run(notification: TurnNotification, receipt_handle: str) -> Outcome:
    raise AssertionError("no turn should run")


async def test_a_handled_notification_is_acknowledged(queue: Queue, telemetry: Telemetry) -> None:
    assert await answer(returns(Done()), queue, telemetry) == ACKNOWLEDGED


async def test_a_notification_of_a_group_of_its_own_is_a_rescue(queue: Queue, telemetry: Telemetry) -> None:
    async def run(notification: TurnNotification, receipt_handle: str) -> Outcome:
        assert notification == TurnNotification(SESSION, MESSAGE, is_rescue=True)
        return Done()

    event = notification_event(SESSION, MESSAGE, "receipt-handle", group_id=RECORD_ID)
    assert await answer(run, queue, telemetry, event) == ACKNOWLEDGED


async def test_a_notification_is_hidden_for_no_longer_than_the_lease(queue: Queue, telemetry: Telemetry) -> None:
    await answer(returns(Done()), queue, telemetry)
    assert queue.hidden == [("receipt-handle", LEASE_SECONDS)]


async def test_a_requeued_notification_is_hidden_for_its_delay(
    queue: Queue, telemetry: Telemetry, printed: Printed
) -> None:
    assert await answer(returns(Requeue(10.0)), queue, telemetry) == REQUEUED
    assert queue.hidden[-1] == ("receipt-handle", 10.0)
    telemetry.end(1)
    assert printed.metrics == {"NotificationRequeued": 1}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        "{}",
        '{"session_id": "x"}',
        '{"session_id": 1, "message_id": 2}',
        "[" * 99_999,
    ],
)
async def test_a_malformed_notification_is_dropped_and_counted(
    queue: Queue, telemetry: Telemetry, printed: Printed, body: str
) -> None:
    event = notification_event(SESSION, MESSAGE, "receipt-handle")
    event["Records"][0]["body"] = body
    assert await answer(must_not_run, queue, telemetry, event) == ACKNOWLEDGED
    telemetry.end(1)
    assert printed.metrics == {"NotificationMalformed": 1}
    assert printed.lines[-1]["level"] == "ERROR"


async def test_a_failing_store_requeues_the_notification_without_failing_the_invocation(
    queue: Queue, telemetry: Telemetry, printed: Printed
) -> None:
    async def broken(notification: TurnNotification, receipt_handle: str) -> Outcome:
        raise OSError("the store does not respond")

    assert await answer(broken, queue, telemetry) == REQUEUED
    assert queue.hidden[-1] == ("receipt-handle", 5.0)
    telemetry.end(1)
    assert printed.metrics == {"NotificationFailed": 1, "NotificationRequeued": 1}
    logged = next(line for line in printed.lines if "exception" in line)
    assert (logged["session_id"], logged["message_id"]) == (SESSION, MESSAGE)


async def test_a_failing_queue_does_not_prevent_a_turn(queue: Queue, telemetry: Telemetry) -> None:
    queue.broken = True
    assert await answer(returns(Done()), queue, telemetry) == ACKNOWLEDGED
    assert await answer(returns(Requeue(3.0)), queue, telemetry) == REQUEUED


async def test_a_turn_is_released_before_the_function_times_out(
    queue: Queue, telemetry: Telemetry, printed: Printed
) -> None:
    let_go = False

    async def endless(notification: TurnNotification, receipt_handle: str) -> Outcome:
        nonlocal let_go
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            let_go = True
            raise
        return Done()

    assert await answer(endless, queue, telemetry, context=Context(seconds_left=0.1)) == REQUEUED
    assert let_go
    assert queue.hidden[-1] == ("receipt-handle", 0.0)


async def test_a_timeout_inside_a_turn_is_not_the_functions_timeout(
    queue: Queue, telemetry: Telemetry, printed: Printed
) -> None:
    async def times_out(notification: TurnNotification, receipt_handle: str) -> Outcome:
        raise TimeoutError("a socket's")

    assert await answer(times_out, queue, telemetry) == REQUEUED
    assert queue.hidden[-1] == ("receipt-handle", 5.0)
    telemetry.end(1)
    assert printed.metrics == {"NotificationFailed": 1, "NotificationRequeued": 1}


async def test_no_notification_of_the_batch_overtakes_a_requeued_one(queue: Queue, telemetry: Telemetry) -> None:
    event = notification_event(SESSION, MESSAGE, "receipt-handle")
    event["Records"] = [{**event["Records"][0], "messageId": str(number)} for number in range(3)]
    ran = 0

    async def second_is_busy(notification: TurnNotification, receipt_handle: str) -> Outcome:
        nonlocal ran
        ran += 1
        return Requeue(10.0) if ran == 2 else Done()

    answered = await answer(second_is_busy, queue, telemetry, event)
    assert answered == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert ran == 2


async def test_an_event_without_records_is_nothing_to_do(queue: Queue, telemetry: Telemetry) -> None:
    assert await answer(must_not_run, queue, telemetry, {"source": "another"}) == ACKNOWLEDGED


async def test_lines_of_the_domain_are_structured_and_have_the_notifications_ids(
    queue: Queue, telemetry: Telemetry, printed: Printed
) -> None:
    async def logs(notification: TurnNotification, receipt_handle: str) -> Outcome:
        logging.getLogger("backend.app.domain.turns.turn_service").info("Turn %s was released", notification.message_id)
        return Done()

    await answer(logs, queue, telemetry)
    assert json.loads(json.dumps(printed.lines[-1]))["message"] == f"Turn {MESSAGE} was released"
    assert printed.lines[-1]["session_id"] == SESSION

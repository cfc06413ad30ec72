"""What stands between the turn queue and run_turn in the cloud, and waiting for it."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.emulator.emulator import EmulatedFunction, FunctionDiedError
from tests.emulator.world import World
from tests.functions.lambda_events import Json, notification_event

_DEADLINE_SECONDS = 60.0


class Poller:
    """Does what the event source mapping does: receives a notification, calls run_turn, deletes what was answered."""

    def __init__(self, world: World) -> None:
        self._sqs = world.moto.client("sqs")
        self._queue_url = world.queue_url

    def receive(self) -> Json:
        """The event with the next notification, once there is one."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            found = self._sqs.receive_message(
                QueueUrl=self._queue_url, WaitTimeSeconds=1, AttributeNames=["MessageGroupId"]
            ).get("Messages")
            if found:
                notification = json.loads(found[0]["Body"])
                group_id = found[0]["Attributes"]["MessageGroupId"]
                return notification_event(**notification, receipt_handle=found[0]["ReceiptHandle"], group_id=group_id)
        raise AssertionError("no notification is visible")

    def deliver(self, function: EmulatedFunction, event: Json) -> Any:
        """What the function answered; the notification is deleted unless that says otherwise."""
        answer = function.invoke(event)
        if answer == {"batchItemFailures": []}:
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=event["Records"][0]["receiptHandle"])
        return answer

    def run_until_quiet(self, function: EmulatedFunction) -> list[Any]:
        """Deliver notifications until none is left, those that are hidden included: what the function answered."""
        answers = []
        while self.left():
            answers.append(self.deliver(function, self.receive()))
        return answers

    def left(self) -> int:
        """How many notifications there are, seen or hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


class Delivery:
    """A delivery in the background, so that the test can act on the function while it runs."""

    def __init__(self, poller: Poller, function: EmulatedFunction, event: Json) -> None:
        self.answer: Any = None
        self.died: FunctionDiedError | None = None

        def deliver() -> None:
            try:
                self.answer = poller.deliver(function, event)
            except FunctionDiedError as error:
                self.died = error

        self._thread = threading.Thread(target=deliver, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until the function answered or died."""
        self._thread.join(_DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "the function neither answered nor died"


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)

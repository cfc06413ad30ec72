"""The metrics of ended turns."""

from functions.telemetry import Telemetry
from functions.turn_notifications import CountingBus
from shared.bus_messages import BusMessage
from shared.events import MessageFailedEvent, TextDeltaEvent
from tests.functions.conftest import Printed
from tests.manual_time import ManualClock

SESSION = "01a207ba-1a51-7211-abbd-ebd58bdabe72"
MESSAGE = "01a207ba-1a6f-7375-8ce3-973e75bb61ac"


class Bus:
    def __init__(self) -> None:
        self.events: list[BusMessage] = []

    async def publish(self, event: BusMessage) -> None:
        self.events.append(event)


def failed(clock: ManualClock, code: str) -> MessageFailedEvent:
    return MessageFailedEvent(
        event_id=MESSAGE,
        project_id=MESSAGE,
        session_id=SESSION,
        message_id=MESSAGE,
        created_at=clock.now(),
        code=code,
        detail="no",
    )


async def test_the_ends_of_turns_are_counted_and_published(
    telemetry: Telemetry, printed: Printed, clock: ManualClock
) -> None:
    bus = Bus()
    counting = CountingBus(bus, telemetry)
    event = failed(clock, "not_approved")
    delta = TextDeltaEvent(
        event_id=MESSAGE,
        project_id=MESSAGE,
        session_id=SESSION,
        message_id=MESSAGE,
        created_at=clock.now(),
        attempt=1,
        agent="vibecoder",
        iteration=1,
        offset=0,
        text="x",
    )
    await counting.publish(delta)
    await counting.publish(event)
    assert bus.events == [delta, event]
    telemetry.end(1)
    assert printed.metrics == {"TurnFailed": 1}

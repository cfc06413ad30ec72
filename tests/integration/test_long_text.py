"""Text that comes faster than it is sent still fits into events, whatever comes together between two of them."""

import pytest

from backend.app.domain.turns.turn_recorder import TurnEventRecorder
from backend.app.wiring_local import LocalEngine
from shared.bus_messages import BusMessage
from shared.event_size import MAX_EVENT_BYTES
from shared.events import TextDeltaEvent
from tests.contract.builders import claimed_turn


@pytest.mark.parametrize("character", ["x", "☂", '"'])
async def test_a_long_text_is_streamed_in_events_of_lawful_size(engine: LocalEngine, character: str) -> None:
    published: list[BusMessage] = []
    engine.bus.listen(published.append)
    turn = await claimed_turn(engine)
    recorder = TurnEventRecorder(turn, engine)
    text = character * (MAX_EVENT_BYTES + 1_000)
    recorder.stream_text("vibecoder", 1, text)
    recorder.stream_text("vibecoder", 1, "The end.")
    await recorder.record_iteration("vibecoder", 1, "Done")
    recorder.close()
    assert all(len(event.model_dump_json().encode()) <= MAX_EVENT_BYTES for event in published)
    deltas = [event for event in published if isinstance(event, TextDeltaEvent)]
    assert "".join(delta.text for delta in deltas) == f"{text}The end."
    assert [delta.offset for delta in deltas] == [
        sum(len(earlier.text) for earlier in deltas[:place]) for place in range(len(deltas))
    ]

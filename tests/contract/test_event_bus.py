"""What every EventBus owes."""

import asyncio
from collections.abc import Sequence

from backend.app.domain.ports import EventBus
from shared.bus_messages import AccessChangedEvent, BusMessage
from shared.events import CodeChangedEvent, MessageQueuedEvent, TextDeltaEvent
from tests.contract.builders import claimed_turn, stored_session
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import (
    answer_event,
    cancelled_event,
    deleted_event,
    failed_event,
    iteration_event,
    started_event,
    usage_event,
)


def _bus(engine: TestedEngine) -> EventBus:
    return engine.bus


async def _one_event_of_each_kind(engine: TestedEngine) -> list[BusMessage]:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)

    def head() -> dict[str, object]:
        return {
            "event_id": engine.ids.new_id(),
            "project_id": session.project_id,
            "session_id": session.session_id,
            "message_id": turn.message_id,
            "created_at": engine.clock.now(),
        }

    return [
        MessageQueuedEvent.model_validate(head() | {"prompt": "Make it rain"}),
        started_event(engine, turn),
        TextDeltaEvent.model_validate(
            head() | {"attempt": 1, "agent": "vibecoder", "iteration": 1, "offset": 0, "text": "né ☂"}
        ),
        usage_event(engine, turn),
        iteration_event(engine, turn),
        answer_event(engine, turn),
        CodeChangedEvent.model_validate(head() | {"version": 2}),
        AccessChangedEvent(event_id=engine.ids.new_id(), project_id=session.project_id, created_at=engine.clock.now()),
        failed_event(engine, turn),
        cancelled_event(engine, turn),
        deleted_event(engine, session),
    ]


def by_group(events: Sequence[BusMessage]) -> dict[str, list[BusMessage]]:
    """The events of each session, and those of the project alone: no order holds between them."""
    groups: dict[str, list[BusMessage]] = {}
    for event in events:
        groups.setdefault(getattr(event, "session_id", None) or event.project_id, []).append(event)
    return groups


async def test_every_kind_of_event_is_received_as_it_was_published(engine: TestedEngine) -> None:
    received: list[BusMessage] = []
    engine.bus.listen(received.append)
    events = await _one_event_of_each_kind(engine)
    for event in events:
        await _bus(engine).publish(event)
    await engine.settle()
    assert by_group(received) == by_group(events)


async def test_every_listener_receives_every_event(engine: TestedEngine) -> None:
    received: list[list[BusMessage]] = [[], [], []]
    for each in received:
        engine.bus.listen(each.append)
    events = await _one_event_of_each_kind(engine)
    for event in events:
        await _bus(engine).publish(event)
    await engine.settle()
    assert [by_group(each) for each in received] == [by_group(events)] * 3


async def test_the_order_is_kept_within_a_session(engine: TestedEngine) -> None:
    received: list[BusMessage] = []
    engine.bus.listen(received.append)
    turns = [await claimed_turn(engine) for _ in range(4)]

    async def publish_all(events: list[BusMessage]) -> None:
        for event in events:
            await _bus(engine).publish(event)

    published: list[list[BusMessage]] = [[iteration_event(engine, turn, str(n)) for n in range(50)] for turn in turns]
    await asyncio.gather(*map(publish_all, published))
    await engine.settle()
    for events in published:
        assert [event for event in received if event in events] == events


async def test_publishing_without_listeners_is_safe(engine: TestedEngine) -> None:
    *lost, last = await _one_event_of_each_kind(engine)
    for event in lost:
        await _bus(engine).publish(event)
    await engine.settle()
    received: list[BusMessage] = []
    engine.bus.listen(received.append)
    await _bus(engine).publish(last)
    await engine.settle()
    assert received == [last]


async def test_a_removed_listener_receives_no_more_events(engine: TestedEngine) -> None:
    leaving: list[BusMessage] = []
    staying: list[BusMessage] = []
    stop = engine.bus.listen(leaving.append)
    engine.bus.listen(staying.append)
    first, second, *_ = await _one_event_of_each_kind(engine)
    await _bus(engine).publish(first)
    await engine.settle()
    stop()
    await _bus(engine).publish(second)
    await engine.settle()
    assert leaving == [first]
    assert staying == [first, second]


async def test_a_listener_may_remove_itself_while_it_is_called(engine: TestedEngine) -> None:
    received: list[BusMessage] = []

    def receive_once(event: BusMessage) -> None:
        received.append(event)
        stop()

    stop = engine.bus.listen(receive_once)
    staying: list[BusMessage] = []
    engine.bus.listen(staying.append)
    first, second, *_ = await _one_event_of_each_kind(engine)
    await _bus(engine).publish(first)
    await _bus(engine).publish(second)
    await engine.settle()
    assert received == [first]
    assert staying == [first, second]


async def test_a_failed_delivery_reaches_neither_the_publisher_nor_the_others(engine: TestedEngine) -> None:
    def fail_to_receive(event: BusMessage) -> None:
        raise ConnectionError("disconnected")

    engine.bus.listen(fail_to_receive)
    received: list[BusMessage] = []
    engine.bus.listen(received.append)
    first, *_ = await _one_event_of_each_kind(engine)
    await _bus(engine).publish(first)
    await engine.settle()
    assert received == [first]


async def test_publishing_waits_for_no_listener(engine: TestedEngine) -> None:
    received: asyncio.Queue[BusMessage] = asyncio.Queue()
    engine.bus.listen(received.put_nowait)
    events = await _one_event_of_each_kind(engine)
    for event in events:
        await _bus(engine).publish(event)
    await engine.settle()
    assert received.qsize() == len(events)

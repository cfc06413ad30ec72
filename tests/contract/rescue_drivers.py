"""Drivers for the suites of rescues: searches, failed starts and workers."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from backend.app.adapters.local.turn_queue import ReceivedNotification
from backend.app.domain.messages.message import Message
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.domain.turns.outcome import Requeue
from backend.app.domain.turns.ports import TurnStore
from backend.app.wiring_local import LocalEngine
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import receive_all
from tests.domain.scripted_agents import Step, TurnFixture
from tests.faults.workers import FROZEN, notification_of, open_race_fixture

# What the event source mapping hides a notification for, when the function then fails before our code.
HIDDEN_SECONDS = 900
SCHEDULE_SECONDS = 60
PROMISED_SECONDS = 90
POOL = 8


def closer(engine: TestedEngine, *, max_turns: int = POOL, turns: object = None) -> AbandonedTurnService:
    store = cast(TurnStore, turns or engine.turns)
    return AbandonedTurnService(replace(engine, turns=store), FROZEN, max_turns=max_turns)


async def shop_of(engine: TestedEngine, folder: Path, *steps: Step) -> TurnFixture:
    return await open_race_fixture(cast(LocalEngine, engine), folder / "memories", *steps)


async def send(engine: TestedEngine, message: Message) -> Message:
    await engine.queue.enqueue(notification_of(message))
    return message


async def fail_to_start(engine: TestedEngine) -> list[TurnNotification]:
    """Every notification that can be received goes to a function that fails before its handler."""
    return [received.notification for received in await receive_all(engine, HIDDEN_SECONDS)]


async def work(engine: TestedEngine, shop: TurnFixture) -> list[TurnNotification]:
    """Handle all notifications that can be received, and those that follow from them; returns which were."""
    handled: list[TurnNotification] = []
    while received := await receive_all(engine, HIDDEN_SECONDS):
        for held in received:
            handled.append(held.notification)
            await handle(engine, shop, held)
    return handled


async def handle(engine: TestedEngine, shop: TurnFixture, held: ReceivedNotification) -> None:
    outcome = await shop.service.run_turn(held.notification, held.receipt_handle)
    if isinstance(outcome, Requeue):
        await engine.queue.requeue(held.receipt_handle, outcome.seconds)
    else:
        await engine.queue.acknowledge(held.receipt_handle)


async def rescued(engine: TestedEngine) -> list[str]:
    """The messages that were notified of again; the notifications are lost by that."""
    received = await receive_all(engine, HIDDEN_SECONDS)
    assert all(held.notification.is_rescue for held in received)
    return [held.notification.message_id for held in received]

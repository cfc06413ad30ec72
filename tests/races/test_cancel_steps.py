"""A message that is cancelled at any step of its turn ends cancelled or completed, and everything agrees with that."""

import asyncio
from pathlib import Path

import pytest

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.wiring_local import LocalEngine
from tests.races.gates import Gate, at_every_point
from tests.races.prompted_agents import items_of
from tests.races.race_fixture import CODE, USER, RaceFixture, check_patch, ends_of, open_race_fixture

END_EVENTS = {
    MessageStatus.COMPLETED: "vibecode_response",
    MessageStatus.FAILED: "message_failed",
    MessageStatus.CANCELLED: "message_cancelled",
}


async def _check_end(shop: RaceFixture, message: Message, prompt: str) -> None:
    """What holds of an ended message, however it ended."""
    session = await shop.services.sessions.get_session(USER, message.session_id)
    assert message.token_usage == await shop.usage_of(message)
    assert session.token_usage == message.token_usage
    assert ends_of(message, await shop.events(session)) == [END_EVENTS[message.status]]
    assert ends_of(message, shop.heard) == [END_EVENTS[message.status]]
    assert message.lease_until is None
    if message.status is MessageStatus.COMPLETED:
        await check_patch(shop, message)
        assert await shop.remembered(session) == (1, items_of(prompt))
    else:
        assert await shop.code() == (1, CODE)
        assert await shop.remembered(session) == (0, [])


@pytest.mark.parametrize("prompt", ["say one", "add one", "stumble one", "reject one"])
async def test_a_cancel_at_any_step_ends_the_message_once_and_all_agree(
    engine: LocalEngine, tmp_path: Path, prompt: str
) -> None:
    async def race(gate: Gate) -> None:
        shop = await open_race_fixture(engine, tmp_path, gate)
        session = await shop.session()
        message = await shop.send(session, prompt)
        answered: list[Message] = []

        async def cancel() -> None:
            answered.append(await shop.services.messages.cancel_message(USER, message.message_id))

        gate.interfere = cancel
        await shop.answer(message, shop.raced)
        await gate.finish()
        ended = await shop.find(message)
        if not answered[0].status.is_open:
            assert ended == answered[0]
        elif ended.status is not MessageStatus.CANCELLED:
            # Asked in time to stop, it never completes; a third rejection may have come first.
            assert (prompt, ended.status) == ("reject one", MessageStatus.FAILED)
        await _check_end(shop, ended, prompt)
        following = await shop.ask(session, "say two")
        assert following.status is MessageStatus.COMPLETED
        remembered = items_of(prompt) if ended.status is MessageStatus.COMPLETED else []
        assert shop.agents.histories[-1] == ("say two", tuple(remembered))
        assert await shop.find(message) == ended

    await at_every_point(race)


async def test_three_cancels_at_once_at_any_step_end_the_message_once(engine: LocalEngine, tmp_path: Path) -> None:
    async def race(gate: Gate) -> None:
        shop = await open_race_fixture(engine, tmp_path, gate)
        message = await shop.send(await shop.session(), "add one")

        async def cancel() -> None:
            cancels = [shop.services.messages.cancel_message(USER, message.message_id) for _ in range(3)]
            first, *others = await asyncio.gather(*cancels)
            assert others == [first, first]

        gate.interfere = cancel
        await shop.answer(message, shop.raced)
        await gate.finish()
        await _check_end(shop, await shop.find(message), "add one")

    await at_every_point(race)


async def test_a_cancel_of_one_that_waits_leaves_the_running_one_alone_at_any_step(
    engine: LocalEngine, tmp_path: Path
) -> None:
    async def race(gate: Gate) -> None:
        shop = await open_race_fixture(engine, tmp_path, gate)
        session = await shop.session()
        message, waiting = await shop.send(session, "add one"), await shop.send(session, "say two")

        async def cancel() -> None:
            assert (await shop.services.messages.cancel_message(USER, waiting.message_id)).status == "cancelled"

        gate.interfere = cancel
        await shop.answer(message, shop.raced)
        await gate.finish()
        await shop.answer(waiting)
        ended = await shop.find(message)
        assert ended.status is MessageStatus.COMPLETED
        await check_patch(shop, ended)
        assert ends_of(waiting, await shop.events(session)) == ["message_cancelled"]
        assert shop.agents.begun["say two"] == 0

    await at_every_point(race)

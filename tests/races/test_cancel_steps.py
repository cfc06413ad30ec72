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


async def _check_end(fixture: RaceFixture, message: Message, prompt: str) -> None:
    """What holds of an ended message, however it ended."""
    session = await fixture.services.sessions.get_session(USER, message.session_id)
    assert message.token_usage == await fixture.usage_of(message)
    assert session.token_usage == message.token_usage
    assert ends_of(message, await fixture.events(session)) == [END_EVENTS[message.status]]
    assert ends_of(message, fixture.published) == [END_EVENTS[message.status]]
    assert message.lease_until is None
    if message.status is MessageStatus.COMPLETED:
        await check_patch(fixture, message)
        assert await fixture.remembered(session) == (1, items_of(prompt))
    else:
        assert await fixture.code() == (1, CODE)
        assert await fixture.remembered(session) == (0, [])


@pytest.mark.parametrize("prompt", ["say one", "add one", "stumble one", "reject one"])
async def test_a_cancel_at_any_step_ends_the_message_once_and_all_agree(
    engine: LocalEngine, tmp_path: Path, prompt: str
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session()
        message = await fixture.send(session, prompt)
        answered: list[Message] = []

        async def cancel() -> None:
            answered.append(await fixture.services.messages.cancel_message(USER, message.message_id))

        gate.interfere = cancel
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        ended = await fixture.find(message)
        if not answered[0].status.is_open:
            assert ended == answered[0]
        elif ended.status is not MessageStatus.CANCELLED:
            # Asked in time to stop, it never completes; a third rejection may have come first.
            assert (prompt, ended.status) == ("reject one", MessageStatus.FAILED)
        await _check_end(fixture, ended, prompt)
        following = await fixture.ask(session, "say two")
        assert following.status is MessageStatus.COMPLETED
        remembered = items_of(prompt) if ended.status is MessageStatus.COMPLETED else []
        assert fixture.agents.histories[-1] == ("say two", tuple(remembered))
        assert await fixture.find(message) == ended

    await at_every_point(race)


async def test_three_cancels_at_once_at_any_step_end_the_message_once(engine: LocalEngine, tmp_path: Path) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        message = await fixture.send(await fixture.session(), "add one")

        async def cancel() -> None:
            cancels = [fixture.services.messages.cancel_message(USER, message.message_id) for _ in range(3)]
            first, *others = await asyncio.gather(*cancels)
            assert others == [first, first]

        gate.interfere = cancel
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        await _check_end(fixture, await fixture.find(message), "add one")

    await at_every_point(race)


async def test_a_cancel_of_one_that_waits_leaves_the_running_one_alone_at_any_step(
    engine: LocalEngine, tmp_path: Path
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session()
        message, waiting = await fixture.send(session, "add one"), await fixture.send(session, "say two")

        async def cancel() -> None:
            assert (await fixture.services.messages.cancel_message(USER, waiting.message_id)).status == "cancelled"

        gate.interfere = cancel
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        await fixture.answer(waiting)
        ended = await fixture.find(message)
        assert ended.status is MessageStatus.COMPLETED
        await check_patch(fixture, ended)
        assert ends_of(waiting, await fixture.events(session)) == ["message_cancelled"]
        assert fixture.agents.begun["say two"] == 0

    await at_every_point(race)

"""Code that is edited by hand, or by another session's turn, at any step of a turn: no change is lost."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.wiring_local import LocalEngine
from tests.races.gates import Gate, at_every_point, interrupted
from tests.races.prompted_agents import line_of
from tests.races.race_fixture import CODE, RaceFixture, check_patch, ends_of, open_race_fixture, turn_service

BY_HAND = "by_hand = 1\n"


async def _check_history(fixture: RaceFixture, *added: str) -> None:
    """Each version is the one before and one line more; together the lines are those that were added."""
    versions = await fixture.versions()
    lines = [Counter(version.code.splitlines(keepends=True)) for version in versions]
    for older, newer in pairwise(lines):
        assert older <= newer
        assert (newer - older).total() == 1
    assert lines[-1] - lines[0] == Counter(added)


async def _raced(fixture: RaceFixture, gate: Gate, prompt: str) -> Message:
    """The message after its turn, in which the gate's interference took place."""
    message = await fixture.send(await fixture.session(), prompt)
    await fixture.answer(message, fixture.raced)
    await gate.finish()
    return await fixture.find(message)


def _was_refused(gate: Gate) -> bool:
    """Whether the turn met newer code when it was about to complete."""
    return any(call.name == "turns.complete_turn" and call.outcome == "StaleBaseError" for call in gate.after)


async def test_an_edit_elsewhere_at_any_step_is_merged_without_asking_the_agent_again(
    engine: LocalEngine, tmp_path: Path
) -> None:
    refusals: list[bool] = []

    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)

        async def edit() -> None:
            await fixture.edit_by_hand((await fixture.code())[1] + BY_HAND)

        gate.interfere = edit
        message = await _raced(fixture, gate, "top agent")
        refusals.append(_was_refused(gate))
        assert (message.status, message.iterations) == (MessageStatus.COMPLETED, 1)
        await check_patch(fixture, message)
        await _check_history(fixture, line_of("top agent"), BY_HAND)
        assert await fixture.code() == (3, "# agent\n" + CODE + BY_HAND)

    await at_every_point(race)
    assert set(refusals) == {True, False}


async def test_an_edit_in_the_same_place_at_any_step_goes_back_to_the_agent(
    engine: LocalEngine, tmp_path: Path
) -> None:
    refusals: list[bool] = []

    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)

        async def edit() -> None:
            await fixture.edit_by_hand((await fixture.code())[1] + BY_HAND)

        gate.interfere = edit
        message = await _raced(fixture, gate, "add agent")
        refusals.append(_was_refused(gate))
        assert message.status is MessageStatus.COMPLETED
        assert message.iterations == (2 if _was_refused(gate) else 1)
        await check_patch(fixture, message)
        await _check_history(fixture, line_of("add agent"), BY_HAND)
        assert message.token_usage == await fixture.usage_of(message)

    await at_every_point(race)
    assert set(refusals) == {True, False}


async def test_an_edit_at_any_step_leaves_an_answer_in_text_with_the_version_it_was_given_for(
    engine: LocalEngine, tmp_path: Path
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)

        async def edit() -> None:
            await fixture.edit_by_hand(CODE + BY_HAND)

        gate.interfere = edit
        message = await _raced(fixture, gate, "say hello")
        assert message.status is MessageStatus.COMPLETED
        assert message.base_version in (1, 2)
        await check_patch(fixture, message)
        await _check_history(fixture, BY_HAND)

    await at_every_point(race)


async def test_the_same_edit_by_hand_and_by_the_agent_at_any_step_counts_once(
    engine: LocalEngine, tmp_path: Path
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        by_hand: list[int] = []

        async def edit() -> None:
            version, code = await fixture.code()
            if version == 1:
                by_hand.append(await fixture.edit_by_hand(code + line_of("add agent")))

        gate.interfere = edit
        message = await _raced(fixture, gate, "add agent")
        assert message.status is MessageStatus.COMPLETED
        await check_patch(fixture, message)
        # An agent that was shown the line adds another one; one that wrote it itself does not.
        shown = bool(by_hand) and not _was_refused(gate)
        assert (await fixture.code())[1].count(line_of("add agent")) == (2 if shown else 1)

    await at_every_point(race)


@pytest.mark.parametrize("other", ["top node", "add node", "say node"])
async def test_a_turn_of_a_node_session_at_any_step_is_merged_with_the_global_one(
    engine: LocalEngine, tmp_path: Path, other: str
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        node = await fixture.session("assistant")
        answered: list[Message] = []

        async def run_the_other() -> None:
            answered.append(await fixture.ask(node, other))

        gate.interfere = run_the_other
        message = await _raced(fixture, gate, "add outer")
        assert [message.status, answered[0].status] == [MessageStatus.COMPLETED] * 2
        for ended in (message, answered[0]):
            await check_patch(fixture, ended)
        lines = [line_of(prompt) for prompt in ("add outer", other) if not prompt.startswith("say")]
        await _check_history(fixture, *lines)
        # Neither conversation knows of the other.
        assert all(message.message_id not in event.model_dump_json() for event in await fixture.events(node))
        assert [item["content"] for item in (await fixture.remembered(node))[1]] == [other, f"Answer to: {other}"]

    await at_every_point(race)


async def test_edits_in_the_same_place_before_every_end_fail_the_message_with_conflict(
    engine: LocalEngine, tmp_path: Path
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    edits = 0

    async def edit() -> None:
        nonlocal edits
        edits += 1
        await fixture.edit_by_hand((await fixture.code())[1] + f"by_hand_{edits} = 1\n")

    worker = turn_service(
        replace(engine, turns=interrupted(engine.turns, "complete_turn", edit)),
        fixture.memory,
        fixture.agents,
        None,
        Limits(),
    )
    session = await fixture.session()
    message = await fixture.send(session, "add agent")
    await fixture.answer(message, worker)
    ended = await fixture.find(message)
    assert ended.error is not None
    assert (ended.status, ended.error.code, ended.iterations) == (MessageStatus.FAILED, "conflict", 3)
    assert ends_of(message, await fixture.events(session)) == ["message_failed"]
    assert ended.token_usage == await fixture.usage_of(message)
    assert await fixture.remembered(session) == (0, [])
    await _check_history(fixture, *(f"by_hand_{number} = 1\n" for number in range(1, edits + 1)))

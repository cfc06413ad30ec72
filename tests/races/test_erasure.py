"""Whatever was deleted is, after the next erasures, on no byte of the disk."""

from pathlib import Path

from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.session import Session
from backend.app.memory.memory_files import MemoryFiles
from backend.app.wiring_local import LocalEngine
from tests.manual_time import ManualClock
from tests.races.gates import Gate, at_every_point
from tests.races.leftovers import check_all_there, check_nothing_left, files_with
from tests.races.race_fixture import USER, RaceFixture, open_race_fixture

# Longer than the longest turn: the erasure that comes then is the last one.
LONG_AFTER = 3600.0
# The prompts' own words are in what was asked, answered, reviewed, remembered and logged; these are in nothing else.
WORDS = ("quartz", "onyx", "topaz", "zircon")


async def _talk(fixture: RaceFixture, session: Session) -> None:
    """A completed answer, a completed patch, a rejected one, one that waits, and a copy that was kept aside."""
    await fixture.ask(session, "say quartz")
    await fixture.ask(session, "reject onyx")
    ref = MemoryRef(session.session_id, session.openai_session_key)
    await fixture.memory.quarantine(ref)
    await fixture.ask(session, "stumble topaz")
    await fixture.send(session, "say zircon")


async def _erase(fixture: RaceFixture, clock: ManualClock) -> None:
    """The erasures that follow a delete: immediately, and once more after the longest turn."""
    for _ in range(2):
        while await fixture.erasure.erase_deleted_sessions():
            pass
        clock.advance(LONG_AFTER)


def _memory_files(folder: Path) -> list[str]:
    return [file.name for file in (folder / "memory").rglob("*") if file.is_file()]


async def test_a_deleted_session_leaves_no_word_on_disk(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    await _talk(fixture, session)
    check_all_there(tmp_path, WORDS)
    await fixture.services.sessions.delete_session(USER, session.session_id)
    await _erase(fixture, clock)
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, WORDS)


async def test_the_first_erasure_already_leaves_no_word_on_disk(engine: LocalEngine, tmp_path: Path) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    await _talk(fixture, session)
    await fixture.services.sessions.delete_session(USER, session.session_id)
    assert await fixture.erasure.erase_deleted_sessions() == 1
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, WORDS)


async def test_the_patch_of_a_deleted_session_is_left_in_the_code_alone(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session("assistant")
    message = await fixture.ask(session, "add quartz")
    patch = "+quartz = 1"
    assert patch in (message.patch or "")
    check_all_there(tmp_path, [patch, "Answer to: add quartz"])
    await fixture.services.sessions.delete_session(USER, session.session_id)
    await _erase(fixture, clock)
    check_nothing_left(tmp_path, [patch, "Answer to: add quartz", "Review of: add quartz"])
    assert (await fixture.code())[1].endswith("\nquartz = 1\n")


async def test_the_erasure_leaves_the_other_sessions_and_the_keys_next_one(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session, node = await fixture.session(), await fixture.session("assistant")
    await _talk(fixture, session)
    await fixture.ask(node, "say agate")
    await fixture.services.sessions.delete_session(USER, session.session_id)
    successor = await fixture.session()
    await fixture.ask(successor, "say jade")
    before = [await fixture.events(node), await fixture.events(successor)]
    await _erase(fixture, clock)
    assert [await fixture.events(node), await fixture.events(successor)] == before
    for other, word in ((node, "agate"), (successor, "jade")):
        assert (await fixture.remembered(other))[1][0]["content"] == f"say {word}"
    check_nothing_left(tmp_path, WORDS)


async def test_a_deleted_project_leaves_no_word_of_its_code_and_its_sessions(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    await _talk(fixture, await fixture.session())
    await _talk(fixture, await fixture.session("assistant"))
    await fixture.ask(await fixture.session("other"), "add garnet")
    await fixture.edit_by_hand((await fixture.code())[1] + "opal = 1\n")
    await fixture.services.projects.update_project(USER, fixture.project_id, name="Amethyst", members=("beryl",))
    words = (*WORDS, "garnet", "opal", "Amethyst", "beryl")
    check_all_there(tmp_path, words)
    await fixture.services.projects.delete_project(USER, fixture.project_id)
    await _erase(fixture, clock)
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, words)


async def test_a_deleted_project_of_one_version_without_sessions_leaves_no_word_either(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    project = await fixture.services.projects.create_project(USER, "Amethyst", "opal = 1\n")
    check_all_there(tmp_path, ["Amethyst", "opal"])
    await fixture.services.projects.delete_project(USER, project.project_id)
    await _erase(fixture, clock)
    check_nothing_left(tmp_path, ["Amethyst", "opal"])


async def test_a_turn_that_runs_while_its_session_is_deleted_leaves_nothing(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session()
        await fixture.ask(session, "say quartz")
        # The memory is removed, so that the turn has it to build again from the store: with the words in it.
        await fixture.memory.erase_memory(MemoryRef(session.session_id, session.openai_session_key))
        message = await fixture.send(session, "add onyx")

        async def delete() -> None:
            await fixture.services.sessions.delete_session(USER, session.session_id)
            while await fixture.erasure.erase_deleted_sessions():
                pass

        gate.interfere = delete
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        await _erase(fixture, clock)
        assert _memory_files(tmp_path) == []
        check_nothing_left(tmp_path, ["quartz", "+onyx", "Answer to: add onyx"])
        # The next round starts without the code of this one.
        await fixture.services.projects.delete_project(USER, fixture.project_id)

    await at_every_point(race)


async def test_a_memory_that_was_quarantined_twice_is_erased_completely(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await fixture.session()
    ref = MemoryRef(session.session_id, session.openai_session_key)
    for word in ("quartz", "onyx"):
        await fixture.ask(session, f"say {word}")
        await fixture.memory.quarantine(ref)
    assert len({file for file, _ in files_with(tmp_path / "memory", "quartz", "onyx")}) >= 2
    await fixture.services.sessions.delete_session(USER, session.session_id)
    await _erase(fixture, clock)
    assert not MemoryFiles(tmp_path / "memory").path(ref).parent.exists()
    check_nothing_left(tmp_path, ["quartz", "onyx"])

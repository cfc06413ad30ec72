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


async def _talk(shop: RaceFixture, session: Session) -> None:
    """A completed answer, a completed patch, a rejected one, one that waits, and a copy that was kept aside."""
    await shop.ask(session, "say quartz")
    await shop.ask(session, "reject onyx")
    ref = MemoryRef(session.session_id, session.openai_session_key)
    await shop.memory.quarantine(ref)
    await shop.ask(session, "stumble topaz")
    await shop.send(session, "say zircon")


async def _erase(shop: RaceFixture, clock: ManualClock) -> None:
    """The erasures that follow a delete: at once, and once more after the longest turn."""
    for _ in range(2):
        while await shop.erasure.erase_deleted_sessions():
            pass
        clock.advance(LONG_AFTER)


def _memory_files(folder: Path) -> list[str]:
    return [file.name for file in (folder / "memory").rglob("*") if file.is_file()]


async def test_a_deleted_session_leaves_no_word_on_disk(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    session = await shop.session()
    await _talk(shop, session)
    check_all_there(tmp_path, WORDS)
    await shop.services.sessions.delete_session(USER, session.session_id)
    await _erase(shop, clock)
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, WORDS)


async def test_the_first_erasure_already_leaves_no_word_on_disk(engine: LocalEngine, tmp_path: Path) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    session = await shop.session()
    await _talk(shop, session)
    await shop.services.sessions.delete_session(USER, session.session_id)
    assert await shop.erasure.erase_deleted_sessions() == 1
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, WORDS)


async def test_the_patch_of_a_deleted_session_is_left_in_the_code_alone(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    session = await shop.session("assistant")
    message = await shop.ask(session, "add quartz")
    patch = "+quartz = 1"
    assert patch in (message.patch or "")
    check_all_there(tmp_path, [patch, "Answer to: add quartz"])
    await shop.services.sessions.delete_session(USER, session.session_id)
    await _erase(shop, clock)
    check_nothing_left(tmp_path, [patch, "Answer to: add quartz", "Review of: add quartz"])
    assert (await shop.code())[1].endswith("\nquartz = 1\n")


async def test_the_erasure_leaves_the_other_sessions_and_the_keys_next_one(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    session, node = await shop.session(), await shop.session("assistant")
    await _talk(shop, session)
    await shop.ask(node, "say agate")
    await shop.services.sessions.delete_session(USER, session.session_id)
    successor = await shop.session()
    await shop.ask(successor, "say jade")
    before = [await shop.events(node), await shop.events(successor)]
    await _erase(shop, clock)
    assert [await shop.events(node), await shop.events(successor)] == before
    for other, word in ((node, "agate"), (successor, "jade")):
        assert (await shop.remembered(other))[1][0]["content"] == f"say {word}"
    check_nothing_left(tmp_path, WORDS)


async def test_a_deleted_project_leaves_no_word_of_its_code_and_its_sessions(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    await _talk(shop, await shop.session())
    await _talk(shop, await shop.session("assistant"))
    await shop.ask(await shop.session("other"), "add garnet")
    await shop.edit_by_hand((await shop.code())[1] + "opal = 1\n")
    await shop.services.projects.update_project(USER, shop.project_id, name="Amethyst", members=("beryl",))
    words = (*WORDS, "garnet", "opal", "Amethyst", "beryl")
    check_all_there(tmp_path, words)
    await shop.services.projects.delete_project(USER, shop.project_id)
    await _erase(shop, clock)
    assert _memory_files(tmp_path) == []
    check_nothing_left(tmp_path, words)


async def test_a_deleted_project_of_one_version_without_sessions_leaves_no_word_either(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    project = await shop.services.projects.create_project(USER, "Amethyst", "opal = 1\n")
    check_all_there(tmp_path, ["Amethyst", "opal"])
    await shop.services.projects.delete_project(USER, project.project_id)
    await _erase(shop, clock)
    check_nothing_left(tmp_path, ["Amethyst", "opal"])


async def test_a_turn_that_runs_while_its_session_is_deleted_leaves_nothing(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    async def race(gate: Gate) -> None:
        shop = await open_race_fixture(engine, tmp_path, gate)
        session = await shop.session()
        await shop.ask(session, "say quartz")
        # The memory is gone, so that the turn has it to build again from the store: with the words in it.
        await shop.memory.erase_memory(MemoryRef(session.session_id, session.openai_session_key))
        message = await shop.send(session, "add onyx")

        async def delete() -> None:
            await shop.services.sessions.delete_session(USER, session.session_id)
            while await shop.erasure.erase_deleted_sessions():
                pass

        gate.interfere = delete
        await shop.answer(message, shop.raced)
        await gate.finish()
        await _erase(shop, clock)
        assert _memory_files(tmp_path) == []
        check_nothing_left(tmp_path, ["quartz", "+onyx", "Answer to: add onyx"])
        # The next round starts without the code of this one.
        await shop.services.projects.delete_project(USER, shop.project_id)

    await at_every_point(race)


async def test_a_memory_that_was_set_aside_twice_is_erased_whole(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    shop = await open_race_fixture(engine, tmp_path)
    session = await shop.session()
    ref = MemoryRef(session.session_id, session.openai_session_key)
    for word in ("quartz", "onyx"):
        await shop.ask(session, f"say {word}")
        await shop.memory.quarantine(ref)
    assert len({file for file, _ in files_with(tmp_path / "memory", "quartz", "onyx")}) >= 2
    await shop.services.sessions.delete_session(USER, session.session_id)
    await _erase(shop, clock)
    assert not MemoryFiles(tmp_path / "memory").path(ref).parent.exists()
    check_nothing_left(tmp_path, ["quartz", "onyx"])

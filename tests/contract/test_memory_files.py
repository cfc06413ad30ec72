"""What MemoryFiles owes: no name leads out of its folder."""

from pathlib import Path

import pytest

from backend.app.domain.sessions.memory import Memory, MemoryRef
from backend.app.domain.sessions.session import check_node_id, openai_session_key
from backend.app.memory.memory_files import MemoryFiles
from tests.contract.memories import PLENTY, turn_of

PROJECT_ID = "0190abcd-0000-7000-8000-00000000000a"
SESSION_ID = "0190abcd-0000-7000-8000-00000000000b"
KEY = f"project_{PROJECT_ID}"
BAD_KEYS = [
    "",
    "../x",
    "..",
    "project_../..",
    "project_..",
    "/etc",
    f"/{KEY}",
    f"../{KEY}",
    f"{KEY}/",
    f"{KEY}/..",
    f"{KEY}\0",
    f"{KEY}\n",
    f" {KEY}",
    f"x{KEY}",
    KEY.upper(),
    f"project_{PROJECT_ID.upper()}",
    f"project_{PROJECT_ID.replace('-', '')}",
    f"{KEY}_node_",
    f"{KEY}_node_..",
    f"{KEY}_node_../x",
    f"{KEY}_node_.hidden",
    f"{KEY}_node_-rf",
    f"{KEY}_node_a/b",
    f"{KEY}_node_a\\b",
    f"{KEY}_node_a\0b",
    f"{KEY}_node_a\n",
    f"{KEY}_node_a b",
    f"{KEY}_node_*",
    f"{KEY}_node_e\N{COMBINING ACUTE ACCENT}",
    f"{KEY}_node_\N{LATIN SMALL LIGATURE FI}",
    f"{KEY}_node_\N{ARABIC-INDIC DIGIT ONE}",
    f"{KEY}_node_\N{RIGHT-TO-LEFT OVERRIDE}a",
    f"{KEY}_node_{'a' * 201}",
    f"{KEY}_node_{'é' * 101}",
]
BAD_SESSION_IDS = [
    "",
    "..",
    "../x",
    "/etc/passwd",
    f"../{SESSION_ID}",
    f"{SESSION_ID}/..",
    f"{SESSION_ID}\0",
    f"{SESSION_ID}\n",
    SESSION_ID.upper(),
    SESSION_ID.replace("-", ""),
    "*",
    SESSION_ID.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
]
BAD_REFS = [MemoryRef(SESSION_ID, key) for key in BAD_KEYS] + [MemoryRef(bad, KEY) for bad in BAD_SESSION_IDS]


def _anything_in(folder: Path) -> bool:
    return any(folder.iterdir())


@pytest.mark.parametrize("ref", BAD_REFS, ids=repr)
def test_a_name_that_could_lead_out_of_the_folder_is_refused(files: MemoryFiles, ref: MemoryRef) -> None:
    for use in (files.path, files.make_folder, files.quarantine, files.erase):
        with pytest.raises(ValueError, match="does not name a memory"):
            use(ref)


@pytest.mark.parametrize(
    "ref", [MemoryRef(SESSION_ID, "../x"), MemoryRef("../x", KEY), MemoryRef(SESSION_ID, f"{KEY}_node_{'é' * 101}")]
)
async def test_no_memory_is_read_or_written_under_such_a_name(memory: Memory, tmp_path: Path, ref: MemoryRef) -> None:
    for call in (
        memory.read_memory(ref, PLENTY),
        memory.append_turns(ref, [turn_of(1)], create=True),
        memory.append_turns(ref, [turn_of(1)], create=False),
        memory.quarantine(ref),
        memory.erase_memory(ref),
    ):
        with pytest.raises(ValueError, match="does not name a memory"):
            await call
    assert not _anything_in(tmp_path)


@pytest.mark.parametrize(
    "node_id", [None, "a", "Z", "0", "triage_2", "a..", "a-.b", "_t", "café", "a" * 200, "é" * 100, "हिन्दी", "日本語"]
)
def test_the_memory_of_every_session_has_a_file_of_its_own_below_the_folder(
    files: MemoryFiles, tmp_path: Path, node_id: str | None
) -> None:
    if node_id is not None:
        check_node_id(node_id)
    key = openai_session_key(PROJECT_ID, node_id)
    path = files.path(MemoryRef(SESSION_ID, key))
    assert path.resolve() == path == tmp_path / "memories" / key / f"{SESSION_ID}.sqlite"


def test_naming_a_memory_makes_nothing(files: MemoryFiles, tmp_path: Path) -> None:
    files.path(MemoryRef(SESSION_ID, KEY))
    assert not _anything_in(tmp_path)


def test_a_folder_is_made_once_and_can_be_asked_for_again(files: MemoryFiles) -> None:
    ref = MemoryRef(SESSION_ID, KEY)
    path = files.make_folder(ref)
    assert path.parent.is_dir()
    assert not path.exists()
    path.write_text("kept")
    assert files.make_folder(ref) == path == files.path(ref)
    assert path.read_text() == "kept"

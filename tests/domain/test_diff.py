import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.app.domain.projects.diff import unified_diff

SEED = 20261127
ORDINARY = "".join(f"line {number}\n" for number in range(40))


def git_apply(directory: Path, old: str, diff: str, path: str = "workflow.py") -> str:
    """Return the file after git has applied the diff to it."""
    file = directory / path
    file.write_bytes(old.encode())
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": str(directory.parent),
    }
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        input=diff.encode(),
        cwd=directory,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return file.read_bytes().decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(ORDINARY, ORDINARY.replace("line 7\n", "line seven\n"), id="one line"),
        pytest.param(ORDINARY, "first\n" + ORDINARY.replace("line 20\n", "") + "last\n", id="three hunks"),
        pytest.param("a\nb", "a\nc", id="no newline at the end of both"),
        pytest.param("a\nb", "a\nb\n", id="newline added at the end"),
        pytest.param("a\nb\n", "a\nb", id="newline removed at the end"),
        pytest.param("a\nb", "a\nb\nc", id="line added after an open end"),
        pytest.param("a\r\nb\r\n", "a\r\nc\r\n", id="CRLF"),
        pytest.param("a\r\nb\r\n", "a\nb\n", id="CRLF to LF"),
        pytest.param("a\n\x0cb\x0b\nc\n", "a\n\x0cB\x0b\nc\n", id="form feed and vertical tab"),
        pytest.param("a\x0cb\nc\x85d\u2028e\u2029f\x1cg\n", "a\x0cB\nc\x85d\u2028e\u2029f\x1cG\n", id="separators"),
        pytest.param("a\rb\rc\n", "a\rB\rc\n", id="lone carriage returns"),
        pytest.param("", "a\nb\n", id="empty old file"),
        pytest.param("", "a", id="empty old file, no newline"),
        pytest.param("a\nb\n", "", id="empty new file"),
        pytest.param("\n", "\n\n", id="empty lines"),
        pytest.param("é = '☃'\n", "é = '🙂'\n", id="not ASCII"),
        pytest.param("-- a\n++ b\n", "-- c\n++ d\n", id="lines that look like headers"),
    ],
)
def test_git_applies_the_diff_to_the_old_text_and_gets_the_new_one(tmp_path: Path, old: str, new: str) -> None:
    assert git_apply(tmp_path, old, unified_diff(old, new)) == new


def test_the_diff_is_written_as_git_writes_it() -> None:
    assert unified_diff("a\nb\n", "a\nc") == (
        "diff --git a/workflow.py b/workflow.py\n"
        "--- a/workflow.py\n"
        "+++ b/workflow.py\n"
        "@@ -1,2 +1,2 @@\n"
        " a\n"
        "-b\n"
        "+c\n"
        "\\ No newline at end of file\n"
    )


def test_the_same_text_has_no_diff() -> None:
    assert unified_diff("a\n", "a\n") == ""


def test_the_path_names_the_file(tmp_path: Path) -> None:
    assert git_apply(tmp_path, "a\n", unified_diff("a\n", "b\n", "main.py"), "main.py") == "b\n"


def test_distant_changes_are_hunks_of_their_own() -> None:
    new = ORDINARY.replace("line 2\n", "two\n").replace("line 30\n", "thirty\n")
    assert unified_diff(ORDINARY, new).count("\n@@ ") == 2


def test_texts_that_are_costly_to_compare_are_shown_as_replaced(tmp_path: Path) -> None:
    print("seed", SEED)
    dice = random.Random(SEED)
    old, new = ("same\n" + "".join(dice.choice(["a\n", "b\n"]) for _ in range(4_000)) + "end\n" for _ in range(2))
    diff = unified_diff(old, new)
    assert diff.count("\n@@ ") == 1
    assert "\n same\n" in diff
    assert git_apply(tmp_path, old, diff) == new


@pytest.mark.parametrize("letters", [2, 30, 1_000])
def test_git_applies_the_diff_of_long_texts_with_edits_at_random(tmp_path: Path, letters: int) -> None:
    print("seed", SEED)
    dice = random.Random(SEED + letters)
    lines = [f"line {dice.randrange(letters)}\n" for _ in range(1_000)]
    changed = list(lines)
    for _ in range(60):
        place = dice.randrange(len(changed))
        changed[place : place + dice.randrange(3)] = [f"new {dice.randrange(5)}\n"] * dice.randrange(3)
    assert git_apply(tmp_path, "".join(lines), unified_diff("".join(lines), "".join(changed))) == "".join(changed)


LINES = st.lists(st.sampled_from(["a", "b", "", "\x0c", "c\u2028d", "e\r", "\\ No newline", "-- a", "@@"]), max_size=30)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


@settings(derandomize=True, deadline=None, max_examples=80)
@given(old=TEXTS, new=TEXTS)
def test_git_applies_the_diff_of_any_two_texts(old: str, new: str) -> None:
    if old == new:
        return
    with tempfile.TemporaryDirectory() as directory:
        assert git_apply(Path(directory), old, unified_diff(old, new)) == new

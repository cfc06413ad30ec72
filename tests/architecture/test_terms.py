"""`make terms` refuses the project's former private names, inside identifiers and file names as well."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Built here, so that this file passes its own check.
FORMER = [
    "door" + "bell",
    "Door" + "bellHandler",
    "find_" + "door" + "bell",
    "at" + " once",
    "Turn" + "Parts",
    "set" + " aside",
]


def check(path: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "codespell_lib", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("former", FORMER)
def test_a_former_name_is_refused_with_its_replacement(tmp_path: Path, former: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"# A comment with {former} in it.\n")
    done = check(file)
    assert done.returncode != 0
    assert f"{file}:1: " in done.stdout
    assert "==>" in done.stdout


def test_a_former_name_in_a_file_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / f"{FORMER[0]}.py"
    file.touch()
    assert check(file).returncode != 0


@pytest.mark.parametrize("term", ["receipt handle", "ReceiptHandle", "receipt_handle", "string", "turn notification"])
def test_a_term_of_the_field_passes(tmp_path: Path, term: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"# A comment with {term} in it.\n")
    assert check(file).stdout == ""

"""Errors of building an artifact; tests/emulator runs artifacts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(*arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "infra/build_function.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **changed}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("interpreter", ["/nowhere/python3.13", "false", sys.executable])
def test_without_the_runtimes_interpreter_the_build_stops_with_a_clear_line(interpreter: str, tmp_path: Path) -> None:
    if sys.version_info[:2] == (3, 13) and interpreter == sys.executable:
        pytest.skip("this is the runtime's interpreter")
    done = build("GetSessionFunction", str(tmp_path / "artifact"), PYTHON313=interpreter)
    assert done.returncode == 1
    assert done.stderr.startswith("build_function: Python 3.13 is needed")
    assert interpreter in done.stderr
    assert not (tmp_path / "artifact").exists()

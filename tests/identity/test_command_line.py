"""`make watch` and `make chat` towards a server that asks for a token."""

import subprocess
import sys

import pytest

from tests.server_process import ROOT, clean_environment

_SECONDS = 60


@pytest.mark.parametrize("module", ["backend.local.watch", "backend.local.chat"])
def test_a_command_without_a_token_says_in_one_line_that_it_was_refused(server_url: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--url", server_url],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("invalid_token: ")
    assert done.stderr.count("\n") == 1

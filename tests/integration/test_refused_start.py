"""A server that cannot start says why in one line, and does no harm."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.talk import Servers, own_servers, send, start_session
from tests.server_process import ROOT

CASES = {
    "the data folder of another": "Another Vibewire uses",
    "the port of another": "VIBEWIRE_PORT",
    "all addresses": "VIBEWIRE_HOST",
    "a name elsewhere": "VIBEWIRE_HOST",
    "a port that is no number": "VIBEWIRE_PORT",
    "a port that cannot be": "VIBEWIRE_PORT",
    "no workers": "VIBEWIRE_WORKERS",
    "too long a wait": "VIBEWIRE_WAIT_SECONDS",
    "a setting that does not exist": "VIBEWIRE_PROT",
    "half an identity": "VIBEWIRE_JWT_AUDIENCE",
    "a data folder that is a file": "VIBEWIRE_DATA_DIR",
    "a data folder that cannot be made": "VIBEWIRE_DATA_DIR",
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Servers]:
    with own_servers(data_dir) as servers:
        yield servers
    assert "Traceback" not in servers.process.output


def settings_of(case: str, running: Servers, data_dir: Path, fresh: Path) -> dict[str, str]:
    a_file = fresh / "file"
    a_file.touch()
    port = str(httpx.URL(running.url).port)
    given = {
        "the data folder of another": {"DATA_DIR": str(data_dir)},
        "the port of another": {"PORT": port},
        "all addresses": {"HOST": "0.0.0.0"},  # noqa: S104 - must be refused
        "a name elsewhere": {"HOST": "example.com"},
        "a port that is no number": {"PORT": "high"},
        "a port that cannot be": {"PORT": "70000"},
        "no workers": {"WORKERS": "0"},
        "too long a wait": {"WAIT_SECONDS": "26"},
        "a setting that does not exist": {"PROT": "1"},
        "half an identity": {"JWKS_URL": "https://issuer.example/keys"},
        "a data folder that is a file": {"DATA_DIR": str(a_file)},
        "a data folder that cannot be made": {"DATA_DIR": "/proc/vibewire"},
    }[case]
    return {f"VIBEWIRE_{name}": value for name, value in ({"DATA_DIR": str(fresh), "PORT": "0"} | given).items()}


@pytest.fixture(scope="module")
def refusals(running: Servers, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """How each start came out: its exit code, and what it printed. They are tried side by side, to save time."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VIBEWIRE_", "OPENAI_"))}
    tried = {
        case: subprocess.Popen(
            [sys.executable, "-m", "backend.local.main"],
            cwd=ROOT,
            env=clean | settings_of(case, running, data_dir, tmp_path_factory.mktemp("fresh")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for case in CASES
    }
    printed = {case: process.communicate(timeout=60)[0] for case, process in tried.items()}
    return {case: (process.returncode, printed[case]) for case, process in tried.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_server_that_cannot_start_says_why_in_one_line(refusals: dict[str, tuple[int, str]], case: str) -> None:
    code, printed = refusals[case]
    assert code == 1
    assert "Traceback" not in printed
    assert printed.count("\n") == 1, printed
    assert printed.startswith("Vibewire cannot start: ")
    assert CASES[case] in printed


async def test_the_server_that_runs_is_not_harmed_by_those_that_could_not_start(
    running: Servers, refusals: dict[str, tuple[int, str]]
) -> None:
    async with httpx.AsyncClient(base_url=running.url, timeout=40) as http:
        session = await start_session(http)
        assert (await send(http, session["session_id"], "Create a triage agent"))["status"] == "completed"

"""A server that cannot start says why in one line, and does no harm."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from backend.local import main
from tests.integration.talk import Servers, compiled, own_servers, send, start_session
from tests.server_process import ROOT

# Settings that stop the start, and what of them the line names. PORT and FILE stand for what is there only then.
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a port that is taken": ({"PORT": "PORT"}, "VIBEWIRE_PORT"),
    "a port that is no number": ({"PORT": "high"}, "VIBEWIRE_PORT"),
    "a port that cannot be": ({"PORT": "70000"}, "VIBEWIRE_PORT"),
    "all addresses": ({"HOST": "0.0.0.0"}, "VIBEWIRE_HOST"),  # noqa: S104 - must be refused
    "all addresses of IPv6": ({"HOST": "::"}, "VIBEWIRE_HOST"),
    "a name elsewhere": ({"HOST": "example.com"}, "VIBEWIRE_HOST"),
    "no workers": ({"WORKERS": "0"}, "VIBEWIRE_WORKERS"),
    "too long a wait": ({"WAIT_SECONDS": "26"}, "VIBEWIRE_WAIT_SECONDS"),
    "a setting that does not exist": ({"PROT": "1"}, "VIBEWIRE_PROT"),
    "half an identity": ({"JWKS_URL": "https://issuer.example/keys"}, "VIBEWIRE_JWT_AUDIENCE"),
    "a data folder that is a file": ({"DATA_DIR": "FILE"}, "VIBEWIRE_DATA_DIR"),
    "a data folder that cannot be made": ({"DATA_DIR": "/proc/vibewire"}, "VIBEWIRE_DATA_DIR"),
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running").resolve()


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Servers]:
    with own_servers(data_dir) as servers:
        yield servers
    assert "Traceback" not in servers.process.output


def refusal_of_start(monkeypatch: pytest.MonkeyPatch, data_dir: Path, model_url: str, **settings: str) -> str:
    """Start in this process with settings by their names, which must fail: what is said of it."""
    for name, value in ({"DATA_DIR": str(data_dir), "PORT": "0"} | settings).items():
        monkeypatch.setenv(f"VIBEWIRE_{name}", value)
    monkeypatch.setenv("OPENAI_BASE_URL", model_url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(uvicorn.Server, "serve", pytest.fail)  # it started, and would run for ever
    with pytest.raises(SystemExit) as refused:
        main.main()
    line = refused.value.code
    assert isinstance(line, str)
    return line


@pytest.mark.parametrize("case", REFUSED)
def test_a_server_that_cannot_start_says_why_in_one_line(
    case: str, running: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    placeholders = {"PORT": str(httpx.URL(running.url).port), "FILE": str(tmp_path / "file")}
    settings, named = REFUSED[case]
    settings = {name: placeholders.get(value, value) for name, value in settings.items()}
    line = refusal_of_start(monkeypatch, tmp_path / "data", running.model_url, **settings)
    assert line.startswith("Vibewire cannot start: ")
    assert named in line
    assert "\n" not in line


def start_second(data_dir: Path, model_url: str) -> "subprocess.CompletedProcess[str]":
    settings = {"VIBEWIRE_DATA_DIR": str(data_dir), "VIBEWIRE_PORT": "0", "OPENAI_BASE_URL": model_url}
    with compiled():
        environment = os.environ | settings
        command = [sys.executable, "-m", "backend.local.main"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )


async def test_a_second_server_on_the_same_data_folder_refuses_to_start_and_does_no_harm(
    running: Servers, data_dir: Path
) -> None:
    async with httpx.AsyncClient(base_url=running.url, timeout=40) as http:
        session_id = (await start_session(http))["session_id"]
        assert (await send(http, session_id, "Create a triage agent"))["status"] == "completed"
        second = await asyncio.to_thread(start_second, data_dir, running.model_url)
        assert (await send(http, session_id, "Create a billing agent"))["status"] == "completed"
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == (
        f"Vibewire cannot start: Another Vibewire uses {data_dir}: stop it, or set VIBEWIRE_DATA_DIR.\n"
    )

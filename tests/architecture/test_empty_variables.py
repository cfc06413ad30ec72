"""Every process that this repository starts treats an empty variable as unset, its libraries included."""

from shared.empty_variables import remove_empty_variables

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.app.settings import AppSettings
from backend.local.settings import LocalSettings
from backend.relay.settings import RelaySettings
from shared.environment import InvalidSettingsError, read_settings, variable_of
from tests.empty_variables import EMPTY

ROOT = Path(__file__).parents[2]
PROCESSES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("backend/relay", "backend/local")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if re.search(r'^if __name__ == "__main__":', path.read_text(), re.MULTILINE)
]
_SETTINGS = {variable_of(name): "" for kind in (LocalSettings, RelaySettings) for name in kind.model_fields}
_LOAD = """
import importlib, os, sys
importlib.import_module(sys.argv[1])
print([name for name, value in os.environ.items() if not value and not name.startswith("VIBEWIRE_")])
"""


def test_every_module_with_a_main_is_known() -> None:
    assert [
        "backend.relay.main",
        *(f"backend.local.{name}" for name in ("chat", "main", "watch")),
    ] == PROCESSES


@pytest.mark.parametrize("module", PROCESSES)
def test_a_process_loads_with_every_variable_set_but_empty(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, module],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **EMPTY, **_SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_only_empty_variables_that_libraries_read_are_removed() -> None:
    environment = {"EMPTY": "", "VIBEWIRE_MISSPELT": "", "SPACE": " ", "ZERO": "0", "FALSE": "false", "NAMED": "value"}
    remove_empty_variables(environment)
    assert environment == {"VIBEWIRE_MISSPELT": "", "SPACE": " ", "ZERO": "0", "FALSE": "false", "NAMED": "value"}


@pytest.mark.parametrize("kind", [LocalSettings, RelaySettings], ids=["local", "relay"])
def test_empty_settings_are_the_defaults(kind: type[LocalSettings] | type[RelaySettings]) -> None:
    empty = {variable_of(name): "" for name in kind.model_fields}
    assert read_settings(kind, empty) == read_settings(kind, {})


@pytest.mark.parametrize("address", [" ", "api.example.com", "https://", "ftp://models.example", "https://two words"])
def test_an_invalid_model_address_is_refused_at_the_start_by_name(address: str) -> None:
    with pytest.raises(InvalidSettingsError, match=r"OPENAI_BASE_URL: .*http or https address"):
        read_settings(AppSettings, {"OPENAI_BASE_URL": address})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8001/v1", "https://models.example", "HTTPS://models.example/v1?a=b"]
)
def test_the_model_address_may_be_any_web_address(address: str) -> None:
    assert read_settings(AppSettings, {"OPENAI_BASE_URL": address}).openai_base_url == address

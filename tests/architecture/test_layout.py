"""Rules of the layout that no linter checks. Import directions are import-linter's: `make check`."""

import subprocess
import sys
from pathlib import Path

import pytest

from backend.app.api.problem_codes import DOMAIN_CODES
from backend.app.domain import errors
from backend.local.settings import LocalSettings
from shared.environment import InvalidSettingsError, read_settings

ROOT = Path(__file__).parents[2]
MAX_LINES = 220
PACKAGES = ("backend", "shared", "functions", "tests")


def modules_after_importing(module: str) -> set[str]:
    """The top-level packages that a fresh process has loaded once it has imported the module."""
    code = f"import {module}, sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def python_files() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


@pytest.mark.parametrize("module", ["backend.app.api.application", "backend.app.wiring", "backend.relay.relay"])
def test_only_the_worker_loads_the_agents_sdk(module: str) -> None:
    loaded = modules_after_importing(module)
    assert not loaded & {"agents", "openai", "mcp"}


def test_the_relay_loads_no_web_framework() -> None:
    assert "fastapi" not in modules_after_importing("backend.relay.relay")


def test_every_init_file_is_empty() -> None:
    assert [path for path in python_files() if path.name == "__init__.py" and path.read_text()] == []


def test_no_module_has_a_generic_name() -> None:
    banned = {"utils", "helpers", "common", "base", "misc"}
    assert [path for path in python_files() if path.stem in banned] == []


def test_no_source_file_is_long() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.ts", "*.tsx"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.split() if "/contract/" not in name]  # those are generated
    assert len(files) > 100
    long = [str(path) for path in files if path.exists() and len(path.read_text().splitlines()) > MAX_LINES]
    assert long == []


def test_every_domain_error_has_a_status() -> None:
    def leaves(kind: type[errors.DomainError]) -> set[type[errors.DomainError]]:
        below = {leaf for child in kind.__subclasses__() for leaf in leaves(child)}
        return below | ({kind} if "code" in vars(kind) else set())

    codes = {kind.code for kind in leaves(errors.DomainError)}
    assert codes == set(DOMAIN_CODES)


def test_invalid_settings_stop_the_start_and_are_named() -> None:
    with pytest.raises(InvalidSettingsError) as stopped:
        read_settings(LocalSettings, {"VIBEWIRE_PORT": "high", "VIBEWIRE_WORKERS": "0", "HOME": "/"})
    assert "VIBEWIRE_PORT" in str(stopped.value)
    assert "VIBEWIRE_WORKERS" in str(stopped.value)


def test_an_unknown_setting_stops_the_start() -> None:
    with pytest.raises(InvalidSettingsError, match="VIBEWIRE_PROT"):
        read_settings(LocalSettings, {"VIBEWIRE_PROT": "8000"})


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings(LocalSettings, {"OPENAI_API_KEY": ""}).openai_api_key is None


def test_the_settings_do_not_print_the_key() -> None:
    assert "sk-secret" not in repr(read_settings(LocalSettings, {"OPENAI_API_KEY": "sk-secret"}))


def test_only_settings_and_main_modules_read_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for package in ("backend", "shared")
        for path in (ROOT / package).rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    mains = [f"backend/{main}.py" for main in ("local/chat", "local/main", "local/watch", "relay/main")]
    assert sorted(readers) == [*mains, "shared/empty_variables.py"]

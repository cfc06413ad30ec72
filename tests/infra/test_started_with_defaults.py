"""Each process works with the template's defaults, every other variable being set but empty."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.relay.settings import RelayProcessSettings
from shared.environment import read_settings
from tests.empty_variables import EMPTY
from tests.infra.template_files import ROOT, functions, parameter_values
from tests.template_stack import TemplateStack

pytestmark = pytest.mark.long

# What Lambda itself sets, and what any process has.
_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
_MACHINE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
_MODULES = {name: one["Handler"].removesuffix(".handler") for name, one in functions().items()}
# Those that are given the same variables are started together.
_TOGETHER = {
    "http": [name for name, one in functions().items() if "Environment" not in one],
    **{name: [name] for name, one in functions().items() if "Environment" in one},
}
# Each prints the variables that are still empty, our own settings excepted.
_START = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([name for name, value in os.environ.items() if not value and not name.startswith("VIBEWIRE_")]))
"""

SURROUNDINGS = pytest.mark.parametrize("surroundings", [{}, EMPTY], ids=["nothing else", "all else empty"])


def run(surroundings: dict[str, str], *arguments: str, **given: str) -> Any:
    """The last line that a Python process printed, which must be JSON."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=surroundings | _MACHINE | _ACCOUNT | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout.splitlines()[-1])


@SURROUNDINGS
@pytest.mark.parametrize("names", _TOGETHER.values(), ids=_TOGETHER.keys())
def test_every_function_starts(names: list[str], surroundings: dict[str, str], stack: TemplateStack) -> None:
    given = stack.environment_of(names[0], Origins="")
    assert run(surroundings, "-c", _START, *(_MODULES[name] for name in names), **given) == []


@SURROUNDINGS
def test_a_turn_calls_openai(surroundings: dict[str, str], tmp_path: Path) -> None:
    result = run(surroundings, "-m", "tests.infra.run_turn_with_defaults", str(tmp_path))
    assert set(result["addresses"]) == {"https://api.openai.com/v1/responses"}
    assert "authorization" in result["headers"]
    # OpenAI refuses these headers when empty.
    assert not {"openai-organization", "openai-project"} & set(result["headers"])
    assert result["logs_prompts"] is False
    assert result["empty"] == []
    # The test set no address.
    assert not any(name.endswith("BASE_URL") for name in result["given"])
    assert parameter_values()["OpenAiBaseUrl"] == ""


def test_only_the_parameter_names_another_server(stack: TemplateStack) -> None:
    given = stack.environment_of("RunTurnFunction", OpenAiBaseUrl="https://models.example/v1")
    assert given["OPENAI_BASE_URL"] == "https://models.example/v1"
    for name in functions():
        assert "OPENAI_BASE_URL" not in stack.environment_of(name)


@SURROUNDINGS
def test_the_relay_reads_its_settings(surroundings: dict[str, str], stack: TemplateStack) -> None:
    settings = read_settings(RelayProcessSettings, surroundings | stack.relay_environment(Origins=""))
    assert settings.origins is None

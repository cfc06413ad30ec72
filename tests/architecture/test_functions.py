"""The rules for functions/: one route each, and nothing loaded that an endpoint does not need."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.app.api.application import ALL_ROUTES
from backend.app.api.route import Route

ROOT = Path(__file__).parents[2]
EVENT_FUNCTIONS = {"run_turn", "erase_session", "close_abandoned_turns"}
HTTP_FUNCTIONS = sorted(route.name for route in ALL_ROUTES)
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "VIBEWIRE_TABLE_NAME": "vibewire",
    "VIBEWIRE_TURN_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/turns.fifo",
    "VIBEWIRE_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:events.fifo",
    "VIBEWIRE_OPENAI_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:openai",
    "VIBEWIRE_RELAY_QUEUE_PREFIX": "vibewire-relay-",
    "VIBEWIRE_RELAY_CLUSTER": "vibewire",
    "VIBEWIRE_JWKS_URL": "https://issuer.example/jwks",
    "VIBEWIRE_JWT_ISSUER": "https://issuer.example",
    "VIBEWIRE_JWT_AUDIENCE": "vibewire",
}
AGENT_PARTS = {"agents", "openai", "mcp", "backend.app.programs.vibecoder", "backend.app.memory.sqlite_memory"}
LOCAL_PARTS = {"sqlite3", "backend.local", "backend.app.wiring_local", "backend.app.adapters.local.sqlite.database"}
WEB_PARTS = {"fastapi", "starlette", "mangum", "jwt", "cryptography"}
CONTAINER_PARTS = {"socketio", "engineio", "uvicorn", "backend.relay"}


def import_functions(*names: str, **changed: str) -> "subprocess.CompletedProcess[str]":
    """Import functions in a fresh process, which prints the modules that were loaded."""
    imports = ", ".join(f"functions.{name}" for name in names)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIBEWIRE_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-c", f"import {imports}; import sys; print(*sys.modules)"],
        cwd=ROOT,
        env={**environment, **ENVIRONMENT, **changed},
        capture_output=True,
        text=True,
        check=False,
    )


def loaded_by(*names: str) -> set[str]:
    done = import_functions(*names)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def function_modules() -> set[str]:
    """The modules of functions/ that define a handler."""
    files = (ROOT / "functions").glob("*.py")
    return {file.stem for file in files if re.search(r"^handler = ", file.read_text(), re.MULTILINE)}


def test_every_function_that_serves_http_has_exactly_one_route_and_every_route_its_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: dict[str, list[Route]] = {}

    def as_lambda(route: Route) -> object:
        served[name].append(route)
        return route

    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    entry = importlib.import_module("functions.lambda_entry")
    monkeypatch.setattr(entry, "as_lambda", as_lambda)
    for name in sorted(function_modules() - EVENT_FUNCTIONS):
        served[name] = []
        monkeypatch.delitem(sys.modules, f"functions.{name}", raising=False)
        importlib.import_module(f"functions.{name}")
        monkeypatch.delitem(sys.modules, f"functions.{name}")
    assert {name: [route.name for route in routes] for name, routes in served.items()} == {
        name: [name] for name in HTTP_FUNCTIONS
    }
    assert [route for routes in served.values() for route in routes] == sorted(ALL_ROUTES, key=lambda one: one.name)


def test_no_two_routes_answer_the_same_call() -> None:
    calls = [(route.method, route.path) for route in ALL_ROUTES]
    assert len(calls) == len(set(calls))


def test_no_http_function_loads_the_agent_the_local_engine_or_the_relay() -> None:
    loaded = loaded_by(*HTTP_FUNCTIONS)
    assert loaded & (AGENT_PARTS | LOCAL_PARTS | CONTAINER_PARTS | {"aws_xray_sdk"}) == set()


def test_an_http_function_loads_only_the_module_of_its_route() -> None:
    loaded = loaded_by("get_health")
    assert {f"backend.app.api.{name}" for name in ("projects", "sessions", "messages", "application")} & loaded == set()


def test_the_functions_that_clean_up_load_neither_agent_nor_web_framework() -> None:
    """The Lambdas that clean up are built without these libraries."""
    loaded = loaded_by("erase_session", "close_abandoned_turns")
    assert loaded & (AGENT_PARTS | LOCAL_PARTS | CONTAINER_PARTS | WEB_PARTS) == set()


@pytest.mark.parametrize("name", ["get_session", *sorted(EVENT_FUNCTIONS)])
def test_a_function_with_invalid_settings_does_not_start_and_names_them(name: str) -> None:
    stopped = import_functions(name, VIBEWIRE_TABLE_NAME="", VIBEWIRE_LEASE_SECONDS="-1", VIBEWIRE_TBLE_NAME="")
    assert stopped.returncode != 0
    assert "InvalidSettingsError" in stopped.stderr
    assert "VIBEWIRE_TBLE_NAME" in stopped.stderr
    stopped = import_functions(name, VIBEWIRE_TABLE_NAME="", VIBEWIRE_LEASE_SECONDS="-1")
    for variable in ("VIBEWIRE_TABLE_NAME", "VIBEWIRE_LEASE_SECONDS"):
        assert variable in stopped.stderr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("run_turn", "VIBEWIRE_OPENAI_SECRET_ARN"),
        ("close_abandoned_turns", "VIBEWIRE_RELAY_QUEUE_PREFIX"),
        ("close_abandoned_turns", "VIBEWIRE_RELAY_CLUSTER"),
    ],
)
def test_a_function_does_not_start_without_its_own_settings(name: str, variable: str) -> None:
    stopped = import_functions(name, **{variable: ""})
    assert stopped.returncode != 0
    assert variable in stopped.stderr


def test_no_function_starts_without_identity_settings() -> None:
    stopped = import_functions("get_session", VIBEWIRE_JWKS_URL="", VIBEWIRE_JWT_ISSUER="", VIBEWIRE_JWT_AUDIENCE="")
    assert "VIBEWIRE_JWKS_URL" in stopped.stderr

"""The templates set exactly the variables that the code reads."""

from typing import Any

import pytest
from pydantic import BaseModel

from backend.app.domain.limits import Limits
from backend.app.settings import AwsSettings
from backend.relay.settings import RelayProcessSettings
from shared.environment import read_settings, variable_of
from tests.infra.template_files import function_environment, functions, relay_environment
from tests.template_stack import TemplateStack

FUNCTIONS = sorted(functions())
# Read by libraries: Powertools' logger, and boto3, which needs a region that only Lambda sets by itself.
LIBRARIES = {"POWERTOOLS_LOG_LEVEL", "AWS_DEFAULT_REGION"}


def variables_of(settings: type[BaseModel]) -> set[str]:
    return {variable_of(name) for name in settings.model_fields}


def own(environment: dict[str, Any]) -> set[str]:
    return set(environment) - LIBRARIES


def test_all_functions_together_are_given_every_setting_and_nothing_else() -> None:
    given = {variable for name in FUNCTIONS for variable in own(function_environment(name))}
    assert given == variables_of(AwsSettings)


def test_the_relay_is_given_every_setting_and_nothing_else() -> None:
    assert own(relay_environment()) == variables_of(RelayProcessSettings)


def test_every_function_has_the_same_limits_and_they_are_the_defaults() -> None:
    for name in FUNCTIONS:
        environment = function_environment(name)
        given = {setting: environment[variable_of(setting)] for setting in Limits.model_fields}
        assert Limits.model_validate(given) == Limits.model_validate({})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_starts_with_what_it_is_given(name: str, stack: TemplateStack) -> None:
    settings = read_settings(AwsSettings, stack.environment_of(name))
    assert settings.has_identity
    assert settings.table_name == stack.table_name
    assert (settings.openai_secret_arn is not None) == (name == "RunTurnFunction")
    assert (settings.relay_cluster is not None) == (name == "CloseAbandonedTurnsFunction")


def test_the_relay_starts_with_what_it_is_given(stack: TemplateStack) -> None:
    settings = read_settings(RelayProcessSettings, stack.relay_environment())
    assert settings.origins == ("https://app.example.com", "https://admin.example.com")
    assert settings.relay_queue_prefix == stack.relay_queue_prefix
    assert settings.table_name == stack.table_name
    defaults = RelayProcessSettings.model_fields
    for name in ("fill_seconds", "ping_seconds", "max_packet_bytes", "max_rooms"):
        assert getattr(settings, name) == defaults[name].default


def test_without_origins_only_the_relays_own_pages_connect(stack: TemplateStack) -> None:
    assert read_settings(RelayProcessSettings, stack.relay_environment(Origins="")).origins is None


@pytest.mark.parametrize(("answer", "traced"), [("Active", True), ("Disabled", False)])
def test_the_functions_trace_when_the_parameter_is_active(answer: str, traced: bool, stack: TemplateStack) -> None:
    environment = stack.environment_of("GetSessionFunction", Tracing=answer)
    assert read_settings(AwsSettings, environment).tracer is traced

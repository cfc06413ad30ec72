"""Each function of the template has a handler, and the resources that it needs."""

import ast
import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backend.app.api.application import ALL_ROUTES
from backend.app.settings import AwsSettings
from shared.environment import read_settings
from tests.infra.template_files import MAIN, NESTED, functions, load_template, translated_main
from tests.template_stack import TemplateStack

FUNCTIONS = functions()
EVENT_FUNCTIONS = {"RunTurnFunction", "EraseSessionFunction", "CloseAbandonedTurnsFunction"}
HTTP_FUNCTIONS = set(FUNCTIONS) - EVENT_FUNCTIONS


def module_of(properties: dict[str, Any]) -> str:
    module, _, attribute = properties["Handler"].rpartition(".")
    assert attribute == "handler"
    return str(module)


def event_sources() -> dict[str, dict[str, Any]]:
    """Queues that call functions: function -> mapping."""
    resources = load_template(MAIN)["Resources"].values()
    mappings = [one["Properties"] for one in resources if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    return {mapping["FunctionName"]["Ref"]: mapping for mapping in mappings}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_exists(name: str) -> None:
    module = module_of(FUNCTIONS[name])
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    assigned = {
        target.id
        for statement in ast.parse(Path(spec.origin).read_text()).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    assert "handler" in assigned
    verb_noun = module.removeprefix("functions.")
    assert name == "".join(word.capitalize() for word in verb_noun.split("_")) + "Function"


def test_there_is_one_function_for_each_route_of_the_api() -> None:
    routed = {}
    for name in HTTP_FUNCTIONS:
        ((_event, event),) = FUNCTIONS[name]["Events"].items()
        assert event["Type"] == "HttpApi"
        routed[module_of(FUNCTIONS[name])] = (event["Properties"]["Method"], event["Properties"]["Path"])
    assert routed == {f"functions.{route.name}": (route.method, route.path) for route in ALL_ROUTES}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_its_own_memory_timeout_and_logs(name: str) -> None:
    properties = FUNCTIONS[name]
    assert 512 <= properties["MemorySize"] <= 1769
    assert 0 < properties["Timeout"] <= 900
    assert properties["LoggingConfig"] == {"LogGroup": {"Ref": name.removesuffix("Function") + "Logs"}}
    assert load_template(MAIN)["Resources"][name]["Metadata"] == {"BuildMethod": "makefile"}
    function = translated_main()["Resources"][name]["Properties"]
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["x86_64"]


def test_no_http_function_exceeds_the_thirty_seconds_of_its_api() -> None:
    assert max(FUNCTIONS[name]["Timeout"] for name in HTTP_FUNCTIONS) < 30


def test_send_message_has_time_to_wait_and_its_own_concurrency() -> None:
    send_message = FUNCTIONS["SendMessageFunction"]
    assert send_message["Timeout"] > 25
    assert send_message["ReservedConcurrentExecutions"]["Fn::If"][1] == {"Ref": "SendMessageConcurrency"}


def reserved_concurrency(**answers: str) -> dict[str, int]:
    """What a stack with these answers reserves: function -> concurrent executions."""
    resolver = TemplateStack("vibewire", {}).resolver(**answers)
    found = {name: resolver.resolve(one.get("ReservedConcurrentExecutions")) for name, one in FUNCTIONS.items()}
    return {name: int(concurrency) for name, concurrency in found.items() if concurrency is not None}


def test_the_defaults_fit_the_concurrency_of_a_new_account() -> None:
    assert reserved_concurrency() == {}
    defaults = {name: one.get("Default") for name, one in load_template(MAIN)["Parameters"].items()}
    waiting = defaults["SendMessageConcurrency"] // 2
    # It has 10 executions: turns and waiting clients must leave some for short calls.
    assert defaults["MaxTurns"] + waiting <= 7
    assert defaults["MaxTurns"] >= load_template(MAIN)["Parameters"]["MaxTurns"]["MinValue"] == 2


def test_reserved_concurrency_is_for_long_calls_and_fits_twice_into_an_account() -> None:
    reserved = reserved_concurrency(ReserveConcurrency="true", MaxTurns="50", SendMessageConcurrency="100")
    assert reserved == {
        "RunTurnFunction": 50,
        "SendMessageFunction": 100,
        "EraseSessionFunction": 1,
        "CloseAbandonedTurnsFunction": 3,
    }
    # Two stacks; Lambda keeps 100 of an account's 1,000 for functions that reserve none.
    assert 2 * sum(reserved.values()) <= 900


@pytest.mark.parametrize("answers", [{}, {"ReserveConcurrency": "true", "MaxTurns": "50"}])
def test_no_more_than_max_turns_are_started(answers: dict[str, str]) -> None:
    resolver = TemplateStack("vibewire", {}).resolver(**answers)
    started = int(resolver.resolve(event_sources()["RunTurnFunction"]["ScalingConfig"]["MaximumConcurrency"]))
    assert started == reserved_concurrency(**answers).get("RunTurnFunction", 5)


def test_the_worker_may_send_to_the_queue_that_invokes_it() -> None:
    assert FUNCTIONS["RunTurnFunction"]["RecursiveLoop"] == "Allow"
    assert translated_main()["Resources"]["RunTurnFunction"]["Properties"]["RecursiveLoop"] == "Allow"
    # All others keep Lambda's recursion guard.
    assert [name for name, one in FUNCTIONS.items() if "RecursiveLoop" in one] == ["RunTurnFunction"]


def test_send_message_is_given_how_many_may_wait_and_how_long() -> None:
    stack = TemplateStack("vibewire", {})
    for answers, slots, seconds in (({}, 2, 3), ({"SendMessageConcurrency": "100", "WaitSeconds": "5"}, 50, 5)):
        settings = read_settings(AwsSettings, stack.environment_of("SendMessageFunction", **answers))
        assert (settings.wait_slots, settings.wait_seconds) == (slots, seconds)


def test_only_functions_that_open_memories_are_in_the_vpc_and_mount_the_file_system() -> None:
    mounting = {name for name, properties in FUNCTIONS.items() if "FileSystemConfigs" in properties}
    networked = {name for name, properties in FUNCTIONS.items() if "VpcConfig" in properties}
    assert mounting == networked == {"RunTurnFunction", "EraseSessionFunction"}
    for name in mounting:
        (mount,) = FUNCTIONS[name]["FileSystemConfigs"]
        assert mount["LocalMountPath"] == FUNCTIONS[name]["Environment"]["Variables"]["VIBEWIRE_MEMORY_DIR"]


def test_notifications_are_handled_one_at_a_time_and_report_their_own_outcome() -> None:
    sources = event_sources()
    assert set(sources) == {"RunTurnFunction", "CloseAbandonedTurnsFunction"}
    for mapping in sources.values():
        assert mapping["BatchSize"] == 1
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert sources["RunTurnFunction"]["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaxTurns"}}
    assert FUNCTIONS["RunTurnFunction"]["ReservedConcurrentExecutions"]["Fn::If"][1] == {"Ref": "MaxTurns"}


def test_the_visibility_timeout_of_a_queue_covers_its_function() -> None:
    storage = load_template(NESTED["Storage"])["Resources"]
    for name, mapping in event_sources().items():
        _storage, output = mapping["EventSourceArn"]["Fn::GetAtt"]
        queue = output.removeprefix("Outputs.").removesuffix("Arn")
        assert storage[queue]["Properties"]["VisibilityTimeout"] >= FUNCTIONS[name]["Timeout"]


def test_the_schedule_invokes_the_cleanup_functions_every_minute() -> None:
    scheduled = {
        name: event["Properties"]["Schedule"]
        for name, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Schedule"
    }
    assert scheduled == {
        "EraseSessionFunction": "rate(1 minute)",
        "CloseAbandonedTurnsFunction": "rate(1 minute)",
    }


def test_the_makefile_builds_every_function() -> None:
    targets = [f"build-{name}" for name in FUNCTIONS]
    made = subprocess.run(
        ["make", "--dry-run", *targets, "ARTIFACTS_DIR=/nowhere"],
        cwd=MAIN.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr

"""Each role allows exactly the calls that its code was recorded to make."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.aws_call_recorder import Call, UnknownOperationError, calls_of
from tests.infra.policies import RELAY, Grant, grants_of, listed
from tests.infra.template_files import (
    ANSWERS,
    MAIN,
    NESTED,
    ROOT,
    functions,
    load_template,
    parameter_values,
    translate,
    translated_main,
)
from tests.template_stack import TemplateStack

pytestmark = pytest.mark.long  # every function is run once, and its calls recorded

ROLES = [*functions(), RELAY]
# What Lambda itself does in a function's role: it reads the queue, and mounts the file system.
OF_EVENT_SOURCES = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
OF_MOUNTS = {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[TemplateStack, dict[str, set[Call]]]:
    """The stack, and the recorded calls of functions and relay."""
    file = tmp_path_factory.mktemp("calls") / "calls.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.infra.record_aws_calls", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    recorded = json.loads(file.read_text())
    calls = {role: {Call(*call) for call in made} for role, made in recorded["calls"].items()}
    return TemplateStack("vibewire", recorded["outputs"]), calls


def by_lambda(role: str, stack: TemplateStack) -> set[Grant]:
    """What a function is granted for what Lambda does on its behalf."""
    granted = grants_of(role, stack)
    resources = translated_main()["Resources"].values()
    sources = {
        stack.resolver().resolve(one["Properties"]["EventSourceArn"])
        for one in resources
        if one["Type"] == "AWS::Lambda::EventSourceMapping" and one["Properties"]["FunctionName"] == {"Ref": role}
    }
    mounts = "FileSystemConfigs" in functions().get(role, {})
    return {
        grant
        for grant in granted
        if (grant.action in OF_EVENT_SOURCES and grant.pattern in sources) or (grant.action in OF_MOUNTS and mounts)
    }


@pytest.mark.parametrize("role", ROLES)
def test_the_role_allows_every_call_of_its_code(
    role: str, recording: tuple[TemplateStack, dict[str, set[Call]]]
) -> None:
    stack, calls = recording
    granted = grants_of(role, stack)
    refused = [call for call in sorted(calls.get(role, ())) if not any(grant.covers(call) for grant in granted)]
    assert refused == []


@pytest.mark.parametrize("role", ROLES)
def test_the_role_allows_nothing_else(role: str, recording: tuple[TemplateStack, dict[str, set[Call]]]) -> None:
    stack, calls = recording
    granted = grants_of(role, stack) - by_lambda(role, stack)
    spare = [grant for grant in sorted(granted) if not any(map(grant.covers, calls.get(role, ())))]
    assert spare == []


def test_every_role_was_recorded(recording: tuple[TemplateStack, dict[str, set[Call]]]) -> None:
    _stack, calls = recording
    assert set(calls) == set(ROLES) - {"GetHealthFunction"}


def test_calls_of_lambda_on_behalf_of_a_function_are_allowed(recording: tuple[TemplateStack, dict[str, Any]]) -> None:
    stack, _calls = recording
    granted = {role: {grant.action for grant in by_lambda(role, stack)} for role in functions()}
    assert {role: actions for role, actions in granted.items() if actions} == {
        "RunTurnFunction": OF_EVENT_SOURCES | OF_MOUNTS,
        "EraseSessionFunction": OF_MOUNTS,
        "CloseAbandonedTurnsFunction": OF_EVENT_SOURCES,
    }


def test_the_file_system_is_only_reached_through_its_access_point() -> None:
    for role in ("RunTurnFunctionRole", "EraseSessionFunctionRole"):
        (policy,) = translated_main()["Resources"][role]["Properties"]["Policies"]
        (mount,) = [one for one in policy["PolicyDocument"]["Statement"] if set(one["Action"]) == OF_MOUNTS]
        assert mount["Condition"] == {
            "StringEquals": {
                "elasticfilesystem:AccessPointArn": {"Fn::GetAtt": ["Storage", "Outputs.MemoryAccessPointArn"]}
            }
        }


@pytest.mark.parametrize(("tracing", "more"), [("Disabled", set()), ("Active", {"AWSXrayWriteOnlyAccess"})])
def test_sam_adds_only_logs_network_interfaces_and_traces_if_enabled(tracing: str, more: set[str]) -> None:
    translated = translate(load_template(MAIN), parameter_values({**ANSWERS, "Tracing": tracing}))
    added = {
        arn.rpartition("/")[2]
        for role in functions()
        for arn in translated["Resources"][f"{role}Role"]["Properties"]["ManagedPolicyArns"]
    }
    assert added == {"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"} | more


def test_ecs_may_only_pull_the_image_and_write_the_log() -> None:
    (policy,) = load_template(NESTED["Relay"])["Resources"]["ExecutionRole"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    actions = [action for one in statements for action in listed(one["Action"])]
    assert {action.partition(":")[0] for action in actions} == {"ecr", "logs"}


def test_a_transaction_needs_the_permission_of_each_member() -> None:
    members = [{kind: {"TableName": "t"}} for kind in ("Put", "Update", "Delete", "ConditionCheck")]
    calls = calls_of("dynamodb", "TransactWriteItems", {"TransactItems": members})
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    assert calls == {
        Call(f"dynamodb:{action}", table) for action in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    }


def test_a_query_of_an_index_needs_the_index() -> None:
    (call,) = calls_of("dynamodb", "Query", {"TableName": "t", "IndexName": "due"})
    assert call.resource.endswith(":table/t/index/due")


def test_an_unknown_operation_is_not_silently_accepted() -> None:
    with pytest.raises(UnknownOperationError):
        calls_of("dynamodb", "Scan", {"TableName": "t"})

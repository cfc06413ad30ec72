"""Two stacks in one account and region share no name, no metric and no concurrency."""

import json
import re
from typing import Any

import pytest

from tests.infra.intrinsics import Resolver
from tests.infra.policies import pseudo_parameters
from tests.infra.template_files import MAIN, NESTED, functions, load_template, walk
from tests.template_stack import TemplateStack

# One name begins with the other.
NAMES = ("vibewire", "vibewire-dev")
_NAMING = re.compile(
    r"^(Queue|Topic|Table|LogGroup|Alarm|Dashboard|Cluster|Service|Function|Role|LoadBalancer)Name$|^Name$"
)


def resolved(name: str) -> list[dict[str, Any]]:
    """The resources of a stack, with their values worked out; those of the network, which has no names, apart."""
    stack = TemplateStack(name, {})
    main = load_template(MAIN)["Resources"]
    found = [stack.resolver().resolve(one["Properties"]) for one in main.values()]
    for nested in ("Storage", "Relay", "Observability"):
        template = load_template(NESTED[nested])
        given = stack.resolver().resolve(main[nested]["Properties"]["Parameters"])
        values = {**pseudo_parameters(), **given, "AWS::StackName": f"{name}-{nested}-1ABC"}
        resolver = Resolver(values, template.get("Conditions"))
        found += [resolver.resolve(one.get("Properties", {})) for one in template["Resources"].values()]
    return found


def names_in(resources: list[dict[str, Any]]) -> set[str]:
    """The names that a stack gives to what it makes."""
    return {
        str(value)
        for properties in resources
        for name, value in properties.items()
        if _NAMING.match(name) and isinstance(value, str) and not value.startswith("<")
    }


def own_metrics(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The metrics of ours that a stack watches or scales by: name and dimensions."""
    return {
        (value["MetricName"], json.dumps(value["Dimensions"]))
        for value in walk(resources)
        if isinstance(value, dict) and value.get("Namespace") == "Vibewire" and "MetricName" in value
    }


def dashboard(resources: list[dict[str, Any]]) -> str:
    (body,) = [one["DashboardBody"] for one in resources if "DashboardBody" in one]
    json.loads(body)
    return str(body)


def test_no_name_is_used_by_both_stacks() -> None:
    one, other = (names_in(resolved(name)) for name in NAMES)
    assert len(one) > 20
    assert one & other == set()


def test_no_alarm_or_scaling_policy_uses_the_other_stacks_metrics() -> None:
    one, other = (own_metrics(resolved(name)) for name in NAMES)
    assert len(one) >= 7
    assert one & other == set()


def test_each_process_is_given_its_own_stack() -> None:
    for name in NAMES:
        stack = TemplateStack(name, {})
        given = {stack.environment_of(function)["VIBEWIRE_STACK"] for function in functions()}
        assert given | {stack.relay_environment()["VIBEWIRE_STACK"]} == {name}


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboard_shows_the_functions_and_metrics_of_its_stack(name: str) -> None:
    widgets = json.loads(dashboard(resolved(name)))["widgets"]
    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    searched = [one["expression"] for row in shown for one in row if isinstance(one, dict) and "expression" in one]
    assert [re.findall(r'stack="([^"]*)"', expression) for expression in searched] == [[name]]
    (listed,) = [one["properties"] for one in widgets if one["properties"]["title"].startswith("Functions")]
    rows = listed["metrics"]
    named = [row[3] for row in rows]
    assert named == 2 * [f"<{function}>" for function in functions()]
    # A dot repeats what the row above says.
    assert [row[1] for row in rows if row[1] != "."] == ["Errors", "Throttles"]

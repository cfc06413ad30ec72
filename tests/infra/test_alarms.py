"""Alarms and dashboard use existing metrics, and attributes of existing resources."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.app.domain.limits import Limits
from backend.relay.aws.emf import Occupancy, report
from backend.relay.metrics import RelayMetrics
from tests.infra.template_files import NESTED, ROOT, load_template, walk

OBSERVABILITY = NESTED["Observability"]
NAMESPACE = "Vibewire"
FOLDERS = {"functions": "functions", "relay": "backend/relay"}


def watched() -> set[str]:
    """The metrics of our own in the templates, which are all of this stack and have no other dimension."""
    found = set()
    for path in (OBSERVABILITY, NESTED["Relay"]):
        for value in walk(load_template(path)):
            if isinstance(value, dict) and value.get("Namespace") == NAMESPACE and "MetricName" in value:
                assert value["Dimensions"] == [{"Name": "stack", "Value": {"Ref": "ProductStack"}}]
                found.add(value["MetricName"])
    for metric in dashboard_metrics():
        if metric[0] == NAMESPACE:
            assert metric[2:4] == ["stack", "${ProductStack}"]
            found.add(metric[1])
    return found


def dashboard() -> dict[str, Any]:
    body = load_template(OBSERVABILITY)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    parsed: dict[str, Any] = json.loads(body)
    return parsed


def dashboard_metrics() -> Iterator[list[Any]]:
    """Each metric of the dashboard, with its dots written out."""
    for widget in dashboard()["widgets"]:
        above: list[Any] = []
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                continue
            above = [above[place] if part == "." else part for place, part in enumerate(metric)]
            yield above


def emitted(folder: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).rglob("*.py")))


def test_the_code_emits_every_metric_of_an_alarm_or_widget() -> None:
    code = "".join(map(emitted, FOLDERS.values()))
    assert [name for name in sorted(watched()) if not re.search(rf'["\']{name}["\']', code)] == []


def test_every_metric_of_the_relay_is_on_the_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    report(RelayMetrics(events=1, flushes=1), Occupancy(connections=1, rooms=1))
    (directive,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    reported = {metric["Name"] for metric in directive["Metrics"]}
    assert reported == {
        metric[1] for metric in dashboard_metrics() if metric[0] == NAMESPACE and not metric[1].startswith("Turn")
    }


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_the_namespace_is_that_of_the_code(folder: str) -> None:
    assert f'"{NAMESPACE}"' in emitted(folder)


def test_the_comment_of_the_template_lists_the_metrics() -> None:
    head = OBSERVABILITY.read_text().partition("Parameters:")[0]
    listed = {
        (part, name.partition(",")[0])
        for part, names in re.findall(r"#   (functions|relay): +(.*)", head)
        for name in re.split(r", (?=[A-Z])|; ", names)
    }
    assert all(re.search(rf'["\']{name}["\']', emitted(FOLDERS[part])) for part, name in listed)
    # Latency is a search by function.
    assert {name for _part, name in listed} == watched() | {"Latency"}


def test_the_alarm_on_waiting_turns_allows_for_the_longest_turn() -> None:
    alarms = load_template(OBSERVABILITY)["Resources"]
    alarm = alarms["TurnsWait"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateAgeOfOldestMessage")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Ref": "TurnQueueName"}}]
    longest = Limits.model_fields["turn_seconds"].default
    # A running turn's message stays in the queue; a failed start of the worker hides one for 900 s.
    assert longest < alarm["Threshold"] < 900
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300


def test_every_alarm_has_a_description_and_notifies_the_topic() -> None:
    resources = load_template(OBSERVABILITY)["Resources"]
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert len(alarms) >= 10
    for alarm in alarms.values():
        assert alarm["AlarmDescription"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]


def test_the_runbook_says_what_to_do_about_every_alarm() -> None:
    resources = load_template(OBSERVABILITY)["Resources"]
    alarms = {name for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    table = (ROOT / "docs" / "runbook.md").read_text().partition("| alarm |")[2].partition("\n\n")[0]
    described = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert described == alarms


def test_the_widgets_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        fields = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not fields & taken
        assert widget["x"] + widget["width"] <= 24
        taken |= fields


def test_the_dashboard_refers_to_parameters_that_exist() -> None:
    template = load_template(OBSERVABILITY)
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert set(re.findall(r"\$\{(\w+)\}", body)) <= set(template["Parameters"])

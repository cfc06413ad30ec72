"""Alarms and dashboard watch what exists: metrics that the code emits, and attributes of resources."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.relay.counters import RelayFigures
from backend.relay.figures import Occupancy, report
from tests.infra.template_files import NESTED, ROOT, load_template, walk

OBSERVABILITY = NESTED["Observability"]
NAMESPACE = "Vibewire"
SERVICES = {"vibewire": "functions", "relay": "backend/relay"}


def watched() -> set[tuple[str, str]]:
    """The metrics of our own in the templates: service and name."""
    found = set()
    for path in (OBSERVABILITY, NESTED["Relay"]):
        for value in walk(load_template(path)):
            if isinstance(value, dict) and value.get("Namespace") == NAMESPACE and "MetricName" in value:
                (dimension,) = value["Dimensions"]
                assert dimension["Name"] == "service"
                found.add((dimension["Value"], value["MetricName"]))
    for metric in dashboard_metrics():
        if metric[0] == NAMESPACE:
            assert metric[2] == "service"
            found.add((metric[3], metric[1]))
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


def test_every_metric_that_is_watched_is_one_that_the_code_emits() -> None:
    missing = [
        f"{service}: {name}"
        for service, name in sorted(watched())
        if not re.search(rf'["\']{name}["\']', emitted(SERVICES[service]))
    ]
    assert missing == []


def test_every_figure_of_the_relay_is_on_the_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    report(RelayFigures(events=1, flushes=1), Occupancy(connections=1, rooms=1))
    (directive,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    reported = {metric["Name"] for metric in directive["Metrics"]}
    assert reported == {
        metric[1] for metric in dashboard_metrics() if metric[:4:2] == [NAMESPACE, "service"] and metric[3] == "relay"
    }


def test_namespace_and_services_are_those_of_the_code() -> None:
    for service, folder in SERVICES.items():
        code = emitted(folder)
        assert f'"{NAMESPACE}"' in code
        assert f'"{service}"' in code


def test_the_list_at_the_top_names_what_is_watched() -> None:
    head = OBSERVABILITY.read_text().partition("Parameters:")[0]
    listed = {
        (service, name)
        for service, names in re.findall(r"#   service=(\w+) \([^)]*\): +(.*)", head)
        for name in names.split(", ")
    }
    # The latency is searched for by function.
    assert listed == watched() | {("vibewire", "Latency")}


def test_every_alarm_says_what_it_means_and_tells_somebody() -> None:
    resources = load_template(OBSERVABILITY)["Resources"]
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert len(alarms) >= 10
    for alarm in alarms.values():
        assert alarm["AlarmDescription"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]


def test_the_night_page_says_what_to_do_about_every_alarm() -> None:
    resources = load_template(OBSERVABILITY)["Resources"]
    alarms = {name for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    table = (ROOT / "infra" / "README.md").read_text().partition("| alarm |")[2].partition("\n\n")[0]
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

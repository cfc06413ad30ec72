"""The relay's service fits its code and image, with a domain and without."""

import json
import re
from typing import Any

import pytest

from backend.relay.aws.ecs_drain_watch import CHECK_SECONDS
from backend.relay.aws.emf import Occupancy, report
from backend.relay.metrics import RelayMetrics
from backend.relay.settings import RelayProcessSettings
from backend.relay.transport import relay_http_server
from tests.infra.intrinsics import Resolver
from tests.infra.template_files import MAIN, NESTED, ROOT, load_template, relay_environment

RESOURCES = load_template(NESTED["Relay"])["Resources"]
CONTAINER = RESOURCES["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]
CONTAINERFILE = (ROOT / "infra" / "relay" / "Containerfile").read_text()


def attributes(name: str, property_name: str) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in RESOURCES[name]["Properties"][property_name]}


def made(domain: str) -> dict[str, Any]:
    """The resources as they are made with this domain."""
    template = load_template(NESTED["Relay"])
    resolver = Resolver({"Domain": domain, "CertificateArn": "certificate"}, template["Conditions"])
    return {
        name: resolver.resolve(one.get("Properties", {}))
        for name, one in template["Resources"].items()
        if "Condition" not in one or resolver.holds(one["Condition"])
    }


def test_the_container_is_unprivileged_and_read_only() -> None:
    assert f"USER {CONTAINER['User']}\n" in CONTAINERFILE
    assert not CONTAINER["User"].startswith("0")
    assert CONTAINER["ReadonlyRootFilesystem"] is True
    assert CONTAINER["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert RESOURCES["TaskDefinition"]["Properties"]["NetworkMode"] == "awsvpc"
    assert (
        RESOURCES["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"]
        == "DISABLED"
    )


def test_image_service_and_load_balancer_use_the_same_port() -> None:
    port = int(relay_environment()["VIBEWIRE_PORT"])
    assert f"EXPOSE {port}\n" in CONTAINERFILE
    assert CONTAINER["PortMappings"] == [{"ContainerPort": port, "Protocol": "tcp"}]
    assert RESOURCES["TargetGroup"]["Properties"]["Port"] == port
    assert RESOURCES["Service"]["Properties"]["LoadBalancers"][0]["ContainerPort"] == port
    for name in ("LoadBalancerToTask", "TaskSecurityGroup"):
        rules = RESOURCES[name]["Properties"]
        rule = rules["SecurityGroupIngress"][0] if "SecurityGroupIngress" in rules else rules
        assert (rule["FromPort"], rule["ToPort"]) == (port, port)


def test_only_the_load_balancer_checks_health_and_it_tolerates_a_slow_relay() -> None:
    target = RESOURCES["TargetGroup"]["Properties"]
    assert target["HealthCheckPath"] == "/readyz"
    assert '"/readyz"' in (ROOT / "backend" / "relay" / "health.py").read_text()
    # A check in the container takes the processor that the relay needs, and fails when it is busiest.
    assert "HealthCheck" not in CONTAINER
    assert target["HealthCheckTimeoutSeconds"] >= 10
    assert target["HealthCheckIntervalSeconds"] * target["UnhealthyThresholdCount"] >= 90
    assert RESOURCES["Service"]["Properties"]["HealthCheckGracePeriodSeconds"] >= 60


def test_the_image_keeps_the_descriptions_of_the_services_that_the_relay_calls() -> None:
    code = (ROOT / "backend" / "relay" / "process.py").read_text()
    called = set(re.findall(r'build_service\(\s*"(\w+)"', code))
    assert called == set(re.findall(r"! -name (\w+)", CONTAINERFILE)) != set()


def test_the_load_balancer_closes_idle_connections_and_no_socket_is_idle() -> None:
    idle = int(attributes("LoadBalancer", "LoadBalancerAttributes")["idle_timeout.timeout_seconds"])
    assert 2 * float(relay_environment()["VIBEWIRE_PING_SECONDS"]) < idle < relay_http_server._KEEP_ALIVE_SECONDS


def test_the_requests_of_a_polling_client_reach_one_task() -> None:
    target = attributes("TargetGroup", "TargetGroupAttributes")
    assert (target["stickiness.enabled"], target["stickiness.type"]) == ("true", "lb_cookie")


def test_a_deployment_drains_clients_and_can_roll_back() -> None:
    drain = float(relay_environment()["VIBEWIRE_DRAIN_SECONDS"])
    assert drain == RelayProcessSettings.model_fields["drain_seconds"].default
    # Clients are drained, their requests end, the queue is removed.
    assert 2 * drain + 30 <= CONTAINER["StopTimeout"] <= 120
    # And when ECS stops it, before the load balancer closes the remaining connections.
    noticed = CHECK_SECONDS
    delay = int(attributes("TargetGroup", "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
    assert noticed + 2 * drain < delay
    deployment = RESOURCES["Service"]["Properties"]["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["MinimumHealthyPercent"] == 100


def test_autoscaling_runs_two_to_thirty_tasks_by_cpu_and_by_connections() -> None:
    target = RESOURCES["ScalableTarget"]["Properties"]
    assert target["MinCapacity"] == 2
    assert target["MaxCapacity"] == {"Ref": "MaxTasks"}
    for path, name in ((MAIN, "RelayMaxTasks"), (NESTED["Relay"], "MaxTasks")):
        # A FIFO topic takes 100 subscriptions: those of a deployment, which doubles the tasks, and of killed ones.
        assert load_template(path)["Parameters"][name]["MaxValue"] == 30
    policies = [
        one["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    ]
    assert {policy.get("CustomizedMetricSpecification", {}).get("MetricName") for policy in policies} == {
        None,
        "Connections",
    }


def test_autoscaling_uses_the_metric_that_each_task_reports(capsys: pytest.CaptureFixture[str]) -> None:
    followed = RESOURCES["ScaleOnConnections"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    metric = followed["CustomizedMetricSpecification"]
    report(RelayMetrics(), Occupancy(connections=7, rooms=2), "vibewire-dev")
    reported = json.loads(capsys.readouterr().out)
    (directive,) = reported["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == metric["Namespace"]
    # Exactly these: a metric with one dimension more is another metric.
    dimensions = [[{"Name": name, "Value": reported[name]} for name in names] for names in directive["Dimensions"]]
    assert dimensions == [Resolver({"ProductStack": "vibewire-dev"}).resolve(metric["Dimensions"])]
    assert {"Name": metric["MetricName"], "Unit": "Count"} in directive["Metrics"]
    assert reported[metric["MetricName"]] == [7]
    # Each task reports once per period, so the average is per task.
    assert metric["Statistic"] == "Average"
    assert followed["TargetValue"] == {"Ref": "ConnectionsPerTask"}


def test_a_deployment_at_the_default_size_fits_the_vcpu_quota_of_a_new_account() -> None:
    service = RESOURCES["Service"]["Properties"]["DeploymentConfiguration"]
    tasks = load_template(MAIN)["Parameters"]["RelayMaxTasks"]["Default"] * service["MaximumPercent"] / 100
    # Fargate gives a new account 6 vCPU.
    assert tasks * int(RESOURCES["TaskDefinition"]["Properties"]["Cpu"]) / 1024 <= 6


def test_a_task_accepts_more_connections_than_the_autoscaling_target() -> None:
    aim = load_template(MAIN)["Parameters"]["RelayConnectionsPerTask"]["Default"]
    assert 2 * aim <= int(relay_environment()["VIBEWIRE_MAX_CONNECTIONS"])


def test_a_domain_brings_a_certificate_and_no_distribution() -> None:
    resources = made("events.example.com")
    assert resources["Listener"]["Protocol"] == "HTTPS"
    assert resources["Listener"]["Port"] == 443
    assert resources["Listener"]["Certificates"] == [{"CertificateArn": "certificate"}]
    assert "Distribution" not in resources
    assert "OriginSecret" not in resources
    assert {"Values": ["events.example.com"]} in [one.get("HostHeaderConfig") for one in rule_conditions(resources)]


def test_without_a_domain_only_cloudfront_reaches_the_relay() -> None:
    resources = made("")
    distribution = resources["Distribution"]["DistributionConfig"]
    assert distribution["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    (sent,) = distribution["Origins"][0]["OriginCustomHeaders"]
    asked = [one["HttpHeaderConfig"] for one in rule_conditions(resources) if "HttpHeaderConfig" in one]
    assert asked == [{"HttpHeaderName": sent["HeaderName"], "Values": [sent["HeaderValue"]]}]
    assert sent["HeaderValue"].startswith("{{resolve:secretsmanager:")


@pytest.mark.parametrize("domain", ["events.example.com", ""])
def test_the_load_balancer_answers_other_paths_itself(domain: str) -> None:
    resources = made(domain)
    assert resources["Listener"]["DefaultActions"] == [
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    ]
    assert {"Values": ["/socket.io/*", "/healthz"]} in [
        one.get("PathPatternConfig") for one in rule_conditions(resources)
    ]


def rule_conditions(resources: dict[str, Any]) -> list[dict[str, Any]]:
    conditions: list[dict[str, Any]] = resources["ListenerRule"]["Conditions"]
    return conditions

"""The policies of the template, as statements on the ARNs of a created stack."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.aws_call_recorder import Call
from tests.infra.intrinsics import Resolver
from tests.infra.template_files import ACCOUNT, MAIN, NESTED, REGION, load_template, translated_main
from tests.template_stack import TemplateStack

RELAY = "Relay"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action that a role may do on resources that match a pattern."""

    action: str
    pattern: str

    def covers(self, call: Call) -> bool:
        return self.action == call.action and fnmatchcase(call.resource, self.pattern)


def grants_of(role: str, stack: TemplateStack) -> set[Grant]:
    """What a function (by its logical id) or the relay may do, without what SAM adds."""
    if role == RELAY:
        given = load_template(MAIN)["Resources"]["Relay"]["Properties"]["Parameters"]
        cluster = stack.relay_cluster_arn.rpartition("/")[2]
        values = {**stack.resolver().resolve(given), **pseudo_parameters(), "Cluster": cluster}
        policies = load_template(NESTED["Relay"])["Resources"]["TaskRole"]["Properties"]["Policies"]
        return set(_grants(Resolver(values).resolve(policies)))
    policies = translated_main()["Resources"][f"{role}Role"]["Properties"].get("Policies", [])
    return set(_grants(stack.resolver().resolve(policies)))


def pseudo_parameters() -> dict[str, str]:
    return {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": REGION}


def _grants(policies: Iterable[dict[str, Any]]) -> Iterable[Grant]:
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in listed(statement["Action"]):
                for pattern in listed(statement["Resource"]):
                    yield Grant(action, pattern)


def listed(value: Any) -> list[str]:
    """One or several, as a list."""
    return value if isinstance(value, list) else [value]

"""The templates as they are written, and as CloudFormation gets them: translated by SAM, without an account."""

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "template.yaml"
NESTED = {name: ROOT / "infra" / f"{name.lower()}.yaml" for name in ("Network", "Storage", "Relay", "Observability")}
REGION = "us-east-1"
ACCOUNT = "123456789012"

# What a person answers to `sam deploy --guided`.
ANSWERS = {
    "JwksUrl": "https://issuer.example/.well-known/jwks.json",
    "JwtIssuer": "https://issuer.example/",
    "JwtAudience": "vibewire",
    "Origins": "https://app.example.com,https://admin.example.com",
    "RelayImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vibewire-relay@sha256:{'0' * 64}",
}


class ManagedPolicies:
    """SAM asks the account for these; the templates use none by name."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def _parsed(path: Path) -> Template:
    template: Template = yaml_parse(path.read_text())
    return template


def load_template(path: Path) -> Template:
    """A template with its short forms (!Ref) written out; the caller's own copy."""
    return deepcopy(_parsed(path))


def parameter_values(answers: Mapping[str, str] = ANSWERS) -> dict[str, str]:
    """Each parameter of the main template: an answer, or its default."""
    parameters = load_template(MAIN)["Parameters"]
    return {name: str(answers.get(name, parameter.get("Default"))) for name, parameter in parameters.items()}


def translate(template: Template, values: Mapping[str, str]) -> Template:
    """What SAM makes of a template; as after `sam package`, which puts the code into a bucket."""
    function = template.get("Globals", {}).get("Function", {})
    if function:
        function["CodeUri"] = "s3://a-bucket/a-key"
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        translated: Template = transform(
            template, {"AWS::Region": REGION, **values}, ManagedPolicies(), feature_toggle=None
        )
    for resource in translated["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            resource["Properties"]["TemplateURL"] = "https://a-bucket.s3.amazonaws.com/a-key"
    return translated


@cache
def translated_main() -> Template:
    """The main template translated. Do not change it."""
    return translate(load_template(MAIN), parameter_values())


def functions() -> dict[str, Template]:
    """The Lambdas of the main template as it is written: logical id -> properties."""
    return {
        name: resource["Properties"]
        for name, resource in load_template(MAIN)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def function_environment(logical_id: str) -> dict[str, Any]:
    """A Lambda's variables, unresolved, as CloudFormation gets them."""
    function = translated_main()["Resources"][logical_id]
    variables: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
    return variables


def relay_environment() -> dict[str, Any]:
    """The variables of the relay's container, unresolved."""
    task = load_template(NESTED["Relay"])["Resources"]["TaskDefinition"]
    container = task["Properties"]["ContainerDefinitions"][0]
    return {variable["Name"]: variable["Value"] for variable in container["Environment"]}


def walk(value: Any) -> Iterator[Any]:
    """A value and everything in it."""
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)

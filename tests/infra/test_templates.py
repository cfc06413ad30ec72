"""CloudFormation and SAM accept the templates, as far as that can be tested without an account."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.infra.template_files import (
    ANSWERS,
    MAIN,
    NESTED,
    ROOT,
    load_template,
    parameter_values,
    translate,
    translated_main,
    walk,
)

TEMPLATES = [MAIN, *NESTED.values()]


def by_name(path: Path) -> str:
    return path.name


@pytest.mark.long
def test_cfn_lint_finds_nothing_in_the_templates_nor_in_what_sam_makes_of_them(tmp_path: Path) -> None:
    translated = tmp_path / "template.json"
    translated.write_text(json.dumps(translated_main()))
    command = [Path(sys.executable).with_name("cfn-lint"), *TEMPLATES, translated]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_no_rule_of_cfn_lint_is_suppressed(path: Path) -> None:
    assert "cfn-lint" not in path.read_text()


@pytest.mark.parametrize("path", NESTED.values(), ids=by_name)
def test_nested_templates_need_no_translation(path: Path) -> None:
    template = load_template(path)
    assert translate(load_template(path), {})["Resources"] == template["Resources"]


def test_every_nested_template_is_used_once() -> None:
    resources = load_template(MAIN)["Resources"]
    urls = [one["Properties"]["TemplateURL"] for one in resources.values() if "TemplateURL" in one["Properties"]]
    assert sorted(urls) == sorted(f"infra/{path.name}" for path in NESTED.values())


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_every_parameter_has_a_description(path: Path) -> None:
    parameters = load_template(path).get("Parameters", {})
    assert [name for name, parameter in parameters.items() if not parameter.get("Description")] == []


def test_only_parameters_without_a_sensible_default_are_required() -> None:
    parameters = load_template(MAIN)["Parameters"]
    unanswered = {name for name, parameter in parameters.items() if "Default" not in parameter}
    assert unanswered == {"JwksUrl", "JwtIssuer", "JwtAudience", "RelayImage"}


def test_the_answers_of_the_tests_and_all_defaults_match_their_patterns() -> None:
    parameters = load_template(MAIN)["Parameters"]
    wrong = [
        name
        for name, value in parameter_values().items()
        if not re.search(parameters[name].get("AllowedPattern", ""), value)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JwksUrl", "http://issuer.example/keys"),
        ("JwksUrl", ""),
        ("JwtIssuer", ""),
        ("JwtAudience", "two words"),
        ("Origins", "*"),
        ("Origins", "https://*.example.com"),
        ("Origins", "http://app.example.com"),
        ("Origins", "https://app.example.com/"),
        ("Origins", "https://a.example, https://b.example"),
        ("RelayImage", "vibewire-relay:latest"),
        ("RelayDomain", "https://events.example.com"),
        ("RelayDomain", "events"),
        ("RelayCertificateArn", "arn:aws:iam::123456789012:server-certificate/x"),
        ("OpenAiBaseUrl", "api.example.com"),
        ("OpenAiBaseUrl", "http://models.example/v1"),
        ("OpenAiBaseUrl", "https://models.example:8443/v1"),
        ("OpenAiBaseUrl", "https://models.example:443"),
        ("OpenAiBaseUrl", "https:///v1"),
        ("OpenAiBaseUrl", "https://user@models.example/v1"),
        ("OpenAiBaseUrl", "https://models.example/v1 "),
        ("JwksUrl", "https://issuer.example:8443/keys"),
        ("JwksUrl", "https://issuer.example:443/keys"),
        ("JwksUrl", "https://[::1]/keys"),
        ("JwksUrl", "https://issuer.example/a b"),
        ("Model", "gpt 5"),
        ("AlarmEmail", "operator"),
    ],
)
def test_an_invalid_parameter_is_refused_before_resources_are_created(name: str, value: str) -> None:
    pattern = load_template(MAIN)["Parameters"][name]["AllowedPattern"]
    assert not re.search(pattern, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OpenAiBaseUrl", ""),
        ("OpenAiBaseUrl", "https://models.example"),
        ("OpenAiBaseUrl", "https://models.example/v1"),
        ("OpenAiBaseUrl", "https://eu-1.models.example/openai/v1?api-version=1"),
        ("JwksUrl", "https://issuer.example"),
        ("JwksUrl", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12/.well-known/jwks.json"),
        ("Origins", "https://app.example.com:8443,http://localhost:5173"),
    ],
)
def test_a_valid_parameter_is_accepted(name: str, value: str) -> None:
    assert re.search(load_template(MAIN)["Parameters"][name]["AllowedPattern"], value)


def test_every_pattern_has_a_constraint_description() -> None:
    parameters = load_template(MAIN)["Parameters"]
    assert [
        n for n, one in parameters.items() if "AllowedPattern" in one and not one.get("ConstraintDescription")
    ] == []


def test_the_security_groups_allow_the_port_of_every_accepted_address() -> None:
    network, relay = (load_template(NESTED[name])["Resources"] for name in ("Network", "Relay"))
    for group in (network["WorkerSecurityGroup"], relay["TaskSecurityGroup"]):
        (rule,) = group["Properties"]["SecurityGroupEgress"]
        assert (rule["FromPort"], rule["ToPort"]) == (443, 443)


def test_the_origins_reach_the_api_as_a_list() -> None:
    cors = translated_main()["Resources"]["Api"]["Properties"]["Body"]["x-amazon-apigateway-cors"]
    _condition, given, _nothing = cors["Fn::If"]
    assert given["allowOrigins"] == {"Fn::Split": [",", ANSWERS["Origins"]]}


def test_access_logs_hold_neither_headers_nor_query_strings() -> None:
    stage = translated_main()["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    written = json.loads(stage["AccessLogSettings"]["Format"])
    assert set(written.values()).isdisjoint({"$context.authorizer.claims", "$context.requestOverride.querystring"})
    assert all(str(value).startswith("$context.") for value in written.values())
    assert not [value for value in written.values() if re.search("header|query|authorizer", value)]


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_no_secret_is_written_into_a_template(path: Path) -> None:
    written = [value for value in walk(load_template(path)) if isinstance(value, dict) and "SecretString" in value]
    assert written == []
    assert "OPENAI_API_KEY" not in path.read_text()


def test_sam_may_create_roles_and_transform_templates() -> None:
    config = tomllib.loads((MAIN.parent / "samconfig.toml").read_text())
    assert set(config["default"]["deploy"]["parameters"]["capabilities"].split()) == {
        "CAPABILITY_IAM",
        "CAPABILITY_AUTO_EXPAND",
    }


def test_the_table_outlives_the_stack_and_every_log_has_a_retention() -> None:
    storage = load_template(NESTED["Storage"])["Resources"]
    assert storage["Table"]["DeletionPolicy"] == storage["Table"]["UpdateReplacePolicy"] == "Retain"
    groups = [
        one
        for template in (translated_main(), load_template(NESTED["Relay"]))
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Logs::LogGroup"
    ]
    assert len(groups) == 22
    assert all(one["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for one in groups)


def test_every_parameter_is_documented_and_in_a_group_of_the_form() -> None:
    template = load_template(MAIN)
    page = (ROOT / "docs/aws.md").read_text()
    parameters = set(template["Parameters"])
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert {name for name in parameters if f"`{name}`" not in page} == set()
    assert {name for group in groups for name in group["Parameters"]} == parameters

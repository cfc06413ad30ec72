"""The template's table, queues, topic and secret on moto, so that the code runs against exactly those.

stack = create_stack(boto3.client)            # inside mock_aws(), or with AWS_ENDPOINT_URL at a moto server
environment = stack.environment_of("SendMessageFunction")
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.infra.intrinsics import Resolver
from tests.infra.template_files import (
    ACCOUNT,
    ANSWERS,
    MAIN,
    NESTED,
    REGION,
    Template,
    function_environment,
    load_template,
    parameter_values,
    relay_environment,
    translated_main,
)

Client = Callable[..., Any]

# What moto makes of a template. It knows file systems too, but nothing could be mounted.
_MADE = {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SNS::Topic"}


@dataclass(frozen=True, slots=True)
class TemplateStack:
    """The created stack. `outputs` are those of infra/storage.yaml, `name` is that of the root stack."""

    name: str
    outputs: dict[str, str]

    @property
    def table_name(self) -> str:
        return self.outputs["TableName"]

    @property
    def turn_queue_url(self) -> str:
        return self.outputs["TurnQueueUrl"]

    @property
    def dead_letter_queue_url(self) -> str:
        return self.turn_queue_url.rpartition("/")[0] + "/" + self.outputs["TurnDeadLetterQueueName"]

    @property
    def topic_arn(self) -> str:
        return self.outputs["TopicArn"]

    @property
    def openai_secret_arn(self) -> str:
        return self.outputs["OpenAiSecretArn"]

    @property
    def relay_queue_prefix(self) -> str:
        return f"{self.name}-relay-"

    @property
    def relay_cluster_arn(self) -> str:
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{self.name}-relay"

    def environment_of(self, logical_id: str, **answers: str) -> dict[str, str]:
        """The variables of a Lambda, with answers to the template's parameters in place of those of a test."""
        return _texts(self.resolver(**answers).resolve(function_environment(logical_id)))

    def relay_environment(self, **answers: str) -> dict[str, str]:
        """The variables of the relay's container."""
        asked = load_template(MAIN)["Resources"]["Relay"]["Properties"]["Parameters"]
        given = self.resolver(**answers).resolve(asked)
        cluster = self.relay_cluster_arn.rpartition("/")[2]
        return _texts(Resolver({**given, "AWS::Region": REGION, "Cluster": cluster}).resolve(relay_environment()))

    def resolver(self, **answers: str) -> Resolver:
        """Works out values of the main template."""
        made = {f"Storage.Outputs.{name}": value for name, value in self.outputs.items()}
        made["Relay.Outputs.ClusterArn"] = self.relay_cluster_arn
        made["Relay.Outputs.ClusterName"] = self.relay_cluster_arn.rpartition("/")[2]
        values = {**parameter_values({**ANSWERS, **answers}), **_pseudo_parameters(self.name), **made}
        return Resolver(values, translated_main()["Conditions"])


def create_stack(client: Client, name: str = "vibewire", openai_key: str | None = "sk-test") -> TemplateStack:
    """Make what moto can make of infra/storage.yaml.

    Args:
        client: gives a boto3 client by its service's name.
        name: of the root stack; unique in the account.
        openai_key: what to put into the secret; None leaves it empty, as CloudFormation does.
    """
    storage = load_template(NESTED["Storage"])
    stack_name = f"{name}-Storage-1ABCDEFGHIJKL"
    cloudformation = client("cloudformation")
    made_template = _made_by_moto(storage)
    answers = parameter_values()
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateBody=json.dumps(made_template),
        Parameters=[
            {"ParameterKey": one, "ParameterValue": answers[one]} for one in sorted(made_template["Parameters"])
        ],
    )
    (made,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    listed = cloudformation.list_stack_resources(StackName=stack_name)["StackResourceSummaries"]
    known = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
    # The outputs name attributes of resources ("TurnQueue.Arn").
    known |= {_name_in(storage["Outputs"][name]["Value"]): value for name, value in outputs.items()}
    _make_the_rest(client, storage, Resolver({**_pseudo_parameters(stack_name), **known}))
    outputs["OpenAiSecretArn"] = _make_secret(client, f"{stack_name}-OpenAiSecret", openai_key)
    return TemplateStack(name, outputs)


def _made_by_moto(template: Template) -> Template:
    resources = {name: one for name, one in template["Resources"].items() if one["Type"] in _MADE}
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if _name_in(output["Value"]).partition(".")[0] in resources
    }
    # Those that the main template hands on as they are; the network's are of what moto does not make.
    parameters = {name: one for name, one in template["Parameters"].items() if name in parameter_values()}
    return {"Parameters": parameters, "Resources": resources, "Outputs": outputs}


def _name_in(reference: dict[str, Any]) -> str:
    """What a Ref or a Fn::GetAtt names."""
    (name,) = reference.values()
    return name if isinstance(name, str) else ".".join(name)


def _make_the_rest(client: Client, template: Template, resolver: Resolver) -> None:
    """What moto's CloudFormation passes over: the time to live, and the policies of queues and topic."""
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::DynamoDB::Table":
            client("dynamodb").update_time_to_live(
                TableName=resolver.resolve({"Ref": name}),
                TimeToLiveSpecification=properties["TimeToLiveSpecification"],
            )
        elif resource["Type"] == "AWS::SQS::QueuePolicy":
            policy = json.dumps(resolver.resolve(properties["PolicyDocument"]))
            for url in resolver.resolve(properties["Queues"]):
                client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        elif resource["Type"] == "AWS::SNS::TopicPolicy":
            policy = json.dumps(resolver.resolve(properties["PolicyDocument"]))
            for arn in resolver.resolve(properties["Topics"]):
                client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def _make_secret(client: Client, name: str, key: str | None) -> str:
    secrets = client("secretsmanager")
    arn: str = secrets.create_secret(Name=name)["ARN"]
    if key is not None:
        secrets.put_secret_value(SecretId=arn, SecretString=key)
    return arn


def _pseudo_parameters(stack_name: str) -> dict[str, str]:
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}

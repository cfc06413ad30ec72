"""The created stack: the table that the code expects, the queues and the topic."""

import json
from typing import Any

import boto3
import pytest

from tests.infra.intrinsics import Resolver
from tests.infra.policies import pseudo_parameters
from tests.infra.template_files import MAIN, NESTED, REGION, load_template
from tests.table_definition import table_definition
from tests.template_stack import TemplateStack, create_stack


def queue_attributes(url: str) -> dict[str, Any]:
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(name): value for name, value in answer["Attributes"].items()}


def test_the_table_is_the_one_that_the_code_expects(stack: TemplateStack) -> None:
    table = boto3.client("dynamodb").describe_table(TableName=stack.table_name)["Table"]
    expected = table_definition(stack.table_name)
    found = {
        "TableName": table["TableName"],
        "BillingMode": table["BillingModeSummary"]["BillingMode"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": [
            {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
            for index in table["GlobalSecondaryIndexes"]
        ],
    }
    assert found == expected


def test_the_table_expires_items_and_can_be_restored(stack: TemplateStack) -> None:
    described = boto3.client("dynamodb").describe_time_to_live(TableName=stack.table_name)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    # moto ignores these two.
    table = load_template(NESTED["Storage"])["Resources"]["Table"]["Properties"]
    assert table["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": {"Ref": "RecoveryDays"},
    }
    asked = load_template(MAIN)["Parameters"]["RecoveryDays"]
    # The range that DynamoDB accepts.
    assert (asked["MinValue"], asked["Default"], asked["MaxValue"]) == (1, 7, 35)
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_a_notification_that_is_requeued_for_too_long_goes_to_the_dead_letter_queue(stack: TemplateStack) -> None:
    turns = queue_attributes(stack.turn_queue_url)
    assert json.loads(turns["RedrivePolicy"]) == {
        "deadLetterTargetArn": stack.outputs["TurnDeadLetterQueueArn"],
        "maxReceiveCount": 300,
    }
    # moto ignores this one.
    dead = load_template(NESTED["Storage"])["Resources"]["TurnDeadLetterQueue"]["Properties"]
    name = stack.outputs["TurnDeadLetterQueueName"].removesuffix("-dead-letters.fifo")
    allowed = Resolver({**pseudo_parameters(), "AWS::StackName": name}).resolve(dead["RedriveAllowPolicy"])
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [stack.outputs["TurnQueueArn"]]}


def test_both_queues_are_fifo_encrypted_and_high_throughput(stack: TemplateStack) -> None:
    for url in (stack.turn_queue_url, stack.dead_letter_queue_url):
        attributes = queue_attributes(url)
        assert attributes["FifoQueue"] == "true"
        assert attributes["ContentBasedDeduplication"] == "false"
        assert attributes["DeduplicationScope"] == "messageGroup"
        assert attributes["FifoThroughputLimit"] == "perMessageGroupId"
        assert attributes["SqsManagedSseEnabled"] == "true"
        (statement,) = json.loads(attributes["Policy"])["Statement"]
        assert statement["Effect"] == "Deny"
        assert attributes["QueueArn"] in statement["Resource"]


def test_the_longest_queue_name_fits(aws: None) -> None:
    longest = create_stack(boto3.client, name="s" * 36)
    for output in ("TurnQueueName", "TurnDeadLetterQueueName"):
        assert len(longest.outputs[output]) <= 80
    assert len(f"{longest.relay_queue_prefix}{'0' * 32}.fifo") <= 80


def test_an_event_reaches_every_subscribed_queue_complete_and_in_order(stack: TemplateStack) -> None:
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    urls = []
    for task in "ab":
        name = f"{stack.relay_queue_prefix}{task}.fifo"
        urls.append(sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"])
        sns.subscribe(
            TopicArn=stack.topic_arn,
            Protocol="sqs",
            Endpoint=queue_attributes(urls[-1])["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
    for number in range(5):
        sns.publish(
            TopicArn=stack.topic_arn,
            Message=f"event {number}",
            MessageGroupId="session",
            MessageDeduplicationId=str(number),
        )
    for url in urls:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in received] == [f"event {number}" for number in range(5)]


def test_the_topic_is_fifo_encrypted_and_limited_to_this_account(stack: TemplateStack) -> None:
    attributes = boto3.client("sns").get_topic_attributes(TopicArn=stack.topic_arn)["Attributes"]
    assert attributes["FifoTopic"] == "true"
    assert attributes["ContentBasedDeduplication"] == "false"
    assert attributes["KmsMasterKeyId"] == "alias/aws/sns"
    statements = json.loads(attributes["Policy"])["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}
    # moto ignores this one.
    topic = load_template(NESTED["Storage"])["Resources"]["Topic"]["Properties"]
    assert topic["FifoThroughputScope"] == "MessageGroup"


def test_the_secret_is_created_empty_and_stores_the_key(stack: TemplateStack) -> None:
    secrets = boto3.client("secretsmanager")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=stack.openai_secret_arn)
    secrets.put_secret_value(SecretId=stack.openai_secret_arn, SecretString="sk-mine")
    assert secrets.get_secret_value(SecretId=stack.openai_secret_arn)["SecretString"] == "sk-mine"


@pytest.mark.parametrize(("answer", "subscribed"), [("ops@example.com", True), ("", False)])
def test_alarms_are_sent_to_the_address_that_is_given(answer: str, subscribed: bool, aws: None) -> None:
    template = load_template(NESTED["Observability"])
    sns = boto3.client("sns")
    topic_arn = sns.create_topic(Name=f"alarms-{subscribed}")["TopicArn"]
    values = {"AlarmEmail": answer, "AlarmTopic": topic_arn, "AWS::Region": REGION}
    resolver = Resolver(values, template["Conditions"])
    subscription = template["Resources"]["AlarmSubscription"]
    if resolver.holds(subscription["Condition"]):
        sns.subscribe(**resolver.resolve(subscription["Properties"]))
    endpoints = [one["Endpoint"] for one in sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]]
    assert endpoints == ([answer] if subscribed else [])

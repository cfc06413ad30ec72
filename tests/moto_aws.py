"""AWS in this process: moto, called by one thread at a time, since its models are not thread safe."""

import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

from moto import mock_aws

from backend.app.settings import AwsSettings
from backend.app.wiring_aws import AwsServices
from shared.aws_service import build_service
from tests.dynamodb_rules import watch_rules
from tests.moto_server import OTHER_ENDPOINT, Moto
from tests.moto_speed import speed_up_moto
from tests.table_definition import table_definition

REGION = "us-east-1"


@dataclass(frozen=True)
class MotoAws:
    """The services, and settings that name a table, a queue and a topic that are there."""

    services: AwsServices
    settings: AwsSettings


@cache
def aws_services() -> AwsServices:
    # Creating a client takes longer than most tests, and clients can be reused across moto's accounts.
    threads = ThreadPoolExecutor(1)
    services = AwsServices(*(build_service(name, threads=threads) for name in ("dynamodb", "sqs", "sns")))
    watch_rules(services.dynamodb.client)
    return services


@contextmanager
def aws_account() -> Iterator[None]:
    """An empty AWS account until the end of the block; on another emulator, one that is shared."""
    if OTHER_ENDPOINT:
        with patch.dict(os.environ, Moto(OTHER_ENDPOINT).environment):
            yield
    else:
        speed_up_moto()
        with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}), mock_aws():
            yield


@contextmanager
def moto_in_process() -> Iterator[MotoAws]:
    """An AWS account with a table, a queue and a topic."""
    with aws_account():
        services = aws_services()
        name = f"vibewire-{uuid.uuid4()}"
        dynamodb, sqs, sns = services.dynamodb.client, services.sqs.client, services.sns.client
        dynamodb.create_table(**table_definition(name))  # type: ignore[attr-defined]
        queue = sqs.create_queue(QueueName=f"{name}-turns.fifo", Attributes={"FifoQueue": "true"})  # type: ignore[attr-defined]
        topic = sns.create_topic(Name=f"{name}-events.fifo", Attributes={"FifoTopic": "true"})  # type: ignore[attr-defined]
        settings = AwsSettings(
            table_name=name,
            turn_queue_url=queue["QueueUrl"],
            topic_arn=topic["TopicArn"],
            jwks_url="https://issuer.example/jwks",
            jwt_issuer="https://issuer.example",
            jwt_audience="vibewire",
        )
        yield MotoAws(services, settings)

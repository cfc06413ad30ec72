"""A relay that cannot start says why in one log line, and leaves no queue."""

import socket
from collections.abc import Iterator

import pytest

from tests.moto_server import Moto
from tests.relay.aws_topic import Topic
from tests.relay.ecs_metadata import ecs_metadata
from tests.relay.relay_cloud import Cloud, new_cloud


@pytest.fixture
def cloud(moto: Moto, topic: Topic) -> Iterator[Cloud]:
    with new_cloud(moto, topic) as cloud:
        yield cloud


@pytest.mark.parametrize("missing", ["jwks_url", "topic_arn", "table_name", "relay_queue_prefix"])
def test_a_relay_without_a_required_setting_ends_with_one_line(cloud: Cloud, missing: str) -> None:
    refused = cloud.refused_relay(**{missing: ""})
    assert f"VIBEWIRE_{missing.upper()}" in refused["message"]


def test_a_relay_whose_port_is_in_use_says_so_and_leaves_no_queue(cloud: Cloud) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = cloud.refused_relay(port=str(taken.getsockname()[1]))
    assert "in use" in refused["message"]
    assert cloud.queues() == []


def test_a_relay_with_an_invalid_queue_prefix_says_so(cloud: Cloud) -> None:
    assert "is no name for an SQS FIFO queue" in cloud.refused_relay(relay_queue_prefix="two words")["message"]


def test_a_relay_without_an_answer_of_ecs_does_not_start(cloud: Cloud) -> None:
    with ecs_metadata("") as metadata:
        metadata.answers = [(500, b"")] * 9
        assert "did not name this task" in cloud.refused_relay(metadata_uri=metadata.uri)["message"]

"""The ECS task of a relay, and the name of its queue."""

import pytest

from backend.relay.aws.task_identity import UnknownTaskError, find_task_id
from shared.relay_queues import relay_queue_name, task_of_relay_queue
from tests.relay.ecs_metadata import ecs_metadata

TASK = "0123456789abcdef0123456789abcdef"


def test_ecs_names_the_task() -> None:
    with ecs_metadata(TASK) as metadata:
        assert find_task_id(metadata.uri) == TASK
    assert metadata.paths == ["/v4/container/task"]


@pytest.mark.parametrize("answer", [(500, b""), (200, b"{}"), (200, b"no json"), (200, b"[]"), (404, b"{}")])
def test_an_invalid_answer_of_ecs_is_retried(answer: tuple[int, bytes]) -> None:
    with ecs_metadata(TASK) as metadata:
        metadata.answers = [answer, answer]
        assert find_task_id(metadata.uri, pause_seconds=0) == TASK
    assert len(metadata.paths) == 3


def test_a_task_without_an_answer_of_ecs_does_not_start() -> None:
    with ecs_metadata(TASK) as metadata:
        metadata.answers = [(500, b"")] * 99
        with pytest.raises(UnknownTaskError, match="did not name this task in 5 attempts: HTTPError"):
            find_task_id(metadata.uri, pause_seconds=0)
    with pytest.raises(UnknownTaskError, match="URLError"):
        find_task_id(metadata.uri, pause_seconds=0)


def test_outside_ecs_each_process_has_its_own_random_name(caplog: pytest.LogCaptureFixture) -> None:
    names = {find_task_id(None) for _ in range(3)}
    assert len(names) == 3
    assert all(task_of_relay_queue("relay-", relay_queue_name("relay-", name)) is None for name in names)
    assert "Not in an ECS task" in caplog.text


def test_a_queues_name_contains_its_task() -> None:
    name = relay_queue_name("vibewire-relay-", TASK)
    assert name == f"vibewire-relay-{TASK}.fifo"
    assert task_of_relay_queue("vibewire-relay-", name) == TASK


@pytest.mark.parametrize("name", ["", "vibewire-relay-", f"vibewire-relay-{TASK}", f"relay-{TASK}.fifo", "turns.fifo"])
def test_other_queues_belong_to_no_task(name: str) -> None:
    assert task_of_relay_queue("vibewire-relay-", name) is None


@pytest.mark.parametrize("prefix", ["vibewire relay ", "vibewire.", "é", "x" * 44])
def test_a_prefix_that_makes_an_invalid_queue_name_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="is no name for an SQS FIFO queue"):
        relay_queue_name(prefix, TASK)

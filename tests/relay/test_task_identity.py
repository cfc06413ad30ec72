"""Which task a relay is, and how its queue is named after it."""

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
def test_ecs_is_asked_again_when_it_answers_something_else(answer: tuple[int, bytes]) -> None:
    with ecs_metadata(TASK) as metadata:
        metadata.answers = [answer, answer]
        assert find_task_id(metadata.uri, pause_seconds=0) == TASK
    assert len(metadata.paths) == 3


def test_a_task_that_ecs_never_names_does_not_start_under_a_made_up_name() -> None:
    with ecs_metadata(TASK) as metadata:
        metadata.answers = [(500, b"")] * 99
        with pytest.raises(UnknownTaskError, match="did not name this task in 5 attempts: HTTPError"):
            find_task_id(metadata.uri, pause_seconds=0)
    with pytest.raises(UnknownTaskError, match="URLError"):
        find_task_id(metadata.uri, pause_seconds=0)


def test_elsewhere_each_process_has_a_name_of_its_own_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    names = {find_task_id(None) for _ in range(3)}
    assert len(names) == 3
    assert all(task_of_relay_queue("relay-", relay_queue_name("relay-", name)) is None for name in names)
    assert "ECS does not run this container" in caplog.text


def test_the_task_of_a_queue_is_found_by_the_queues_name() -> None:
    name = relay_queue_name("vibewire-relay-", TASK)
    assert name == f"vibewire-relay-{TASK}.fifo"
    assert task_of_relay_queue("vibewire-relay-", name) == TASK


@pytest.mark.parametrize("name", ["", "vibewire-relay-", f"vibewire-relay-{TASK}", f"relay-{TASK}.fifo", "turns.fifo"])
def test_other_queues_belong_to_no_task(name: str) -> None:
    assert task_of_relay_queue("vibewire-relay-", name) is None


@pytest.mark.parametrize("prefix", ["vibewire relay ", "vibewire.", "é", "x" * 44])
def test_a_prefix_that_makes_no_name_of_a_queue_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="is no name for an SQS FIFO queue"):
        relay_queue_name(prefix, TASK)

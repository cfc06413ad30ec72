"""The worker as it is deployed, by a test that plays the event source mapping; killed, starved and cut off."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from backend.app.domain.messages.message import MessageStatus
from tests.emulator.conftest import Start
from tests.emulator.poller import Delivery, Poller
from tests.emulator.turns import ACKNOWLEDGED, check_answered_once, slow_model, turns_in_memory, wait_for_a_model_call
from tests.emulator.world import World


def test_a_notification_is_answered(start: Start, world: World, poller: Poller, session_id: str) -> None:
    message_id = world.send(session_id)
    with start("run_turn", timeout=60) as worker:
        assert poller.deliver(worker, poller.receive()) == ACKNOWLEDGED
        worker.output.wait_for('"TurnCompleted":')
        print(f"\nrun_turn: cold start {worker.cold_start_ms:.0f} ms")
        second = world.send(session_id, "Make it Spanish")
        assert poller.run_until_quiet(worker) == [ACKNOWLEDGED]
        assert world.message(second).status is MessageStatus.COMPLETED
        assert turns_in_memory(world) == [(1, message_id), (2, second)]
    assert re.search(r"\bsk-", worker.output.text) is None
    assert "triage" not in worker.output.text


def test_a_worker_killed_in_mid_turn_is_begun_again_and_answers_once(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with slow_model() as model, start("run_turn", timeout=60, OPENAI_BASE_URL=model) as worker:
        delivery = Delivery(poller, worker, poller.receive())
        wait_for_a_model_call(world, session_id)
        os.kill(worker.runtime_pid(), signal.SIGKILL)
        delivery.wait()
        assert delivery.died
        assert world.message(message_id).status is MessageStatus.RUNNING
    with start("run_turn", timeout=60) as another:
        answers = poller.run_until_quiet(another)
    assert answers[-1] == ACKNOWLEDGED
    check_answered_once(world, session_id, message_id, attempts=2)


def test_a_worker_that_hangs_is_killed_by_the_timeout_and_its_turn_is_answered_once(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with slow_model() as model, start("run_turn", timeout=10, OPENAI_BASE_URL=model) as worker:
        delivery = Delivery(poller, worker, poller.receive())
        wait_for_a_model_call(world, session_id)
        # It stands still, as if its disk did: it cannot see its time run out.
        os.kill(worker.runtime_pid(), signal.SIGSTOP)
        delivery.wait()
        assert delivery.died
        assert "timed out" in str(delivery.died)
        assert world.message(message_id).status is MessageStatus.RUNNING
        # The emulator has started another runtime in its place.
        answers = poller.run_until_quiet(worker)
    assert answers[-1] == ACKNOWLEDGED
    check_answered_once(world, session_id, message_id, attempts=2)


def test_a_turn_that_outlasts_the_function_is_let_go_in_time(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with slow_model() as model, start("run_turn", timeout=6, OPENAI_BASE_URL=model) as worker:
        answer = poller.deliver(worker, poller.receive())
        assert len(answer["batchItemFailures"]) == 1
        worker.output.wait_for("The function is about to time out")
        assert world.message(message_id).status is MessageStatus.RUNNING
    with start("run_turn", timeout=60) as another:
        assert poller.run_until_quiet(another)[-1] == ACKNOWLEDGED
    check_answered_once(world, session_id, message_id, attempts=2)


def test_a_zombie_writes_nothing_once_another_has_its_turn(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with slow_model() as model, start("run_turn", timeout=60, OPENAI_BASE_URL=model) as zombie:
        delivery = Delivery(poller, zombie, poller.receive())
        wait_for_a_model_call(world, session_id)
        pid = zombie.runtime_pid()
        os.kill(pid, signal.SIGSTOP)
        with start("run_turn", timeout=60) as worker:
            # Its notification comes back when its lease is over: the zombie shortened the time that it is hidden.
            assert poller.deliver(worker, poller.receive()) == ACKNOWLEDGED
        done = world.message(message_id)
        os.kill(pid, signal.SIGCONT)
        delivery.wait()
        assert delivery.answer == ACKNOWLEDGED
    assert world.message(message_id) == done
    check_answered_once(world, session_id, message_id, attempts=2)


def test_notifications_that_come_twice_or_too_late_run_nothing_again(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    event = poller.receive()
    with start("run_turn", timeout=60) as worker:
        for _ in range(3):
            assert poller.deliver(worker, event) == ACKNOWLEDGED
        event["Records"][0]["body"] = "{"
        assert worker.invoke(event) == ACKNOWLEDGED
        worker.output.wait_for('"NotificationMalformed":')
    check_answered_once(world, session_id, message_id, attempts=1)


def test_a_missing_secret_ends_in_a_failed_message_and_its_return_in_an_answer(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with start("run_turn", timeout=60, VIBEWIRE_OPENAI_SECRET_ARN="nowhere", VIBEWIRE_ATTEMPTS="2") as worker:
        answers = poller.run_until_quiet(worker)
        assert [len(answer["batchItemFailures"]) for answer in answers] == [1, 0]
        worker.output.wait_for("The secret of VIBEWIRE_OPENAI_SECRET_ARN cannot be read")
    error = world.message(message_id).error
    assert error is not None
    assert error.code == "model_key_unavailable"
    assert world.event_types(session_id)[-1] == "message_failed"


@pytest.mark.parametrize("place", ["a file", "not mounted", "read-only"])
def test_a_file_system_that_cannot_be_used_ends_in_a_failed_message(
    start: Start, world: World, poller: Poller, session_id: str, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    # Root may write into any folder, but for those of the kernel.
    folders = {"a file": str(tmp_path / "file"), "not mounted": "/proc/memory", "read-only": "/sys/memory"}
    message_id = world.send(session_id)
    with start("run_turn", timeout=60, VIBEWIRE_MEMORY_DIR=folders[place], VIBEWIRE_ATTEMPTS="2") as worker:
        answers = poller.run_until_quiet(worker)
        assert [len(answer["batchItemFailures"]) for answer in answers] == [1, 0]
        worker.output.wait_for("memory_unavailable")
    error = world.message(message_id).error
    assert error is not None
    assert error.code == "memory_unavailable"


def test_a_key_that_was_refused_is_read_again(start: Start, world: World, poller: Poller, session_id: str) -> None:
    root = world.environment["OPENAI_BASE_URL"].removesuffix("/v1")
    with start("run_turn", timeout=60, VIBEWIRE_ATTEMPTS="1") as worker:
        httpx.post(f"{root}/faults", json=[{"kind": "status", "status": 401}]).raise_for_status()
        message_ids = [world.send(session_id)]
        poller.run_until_quiet(worker)
        secret = world.settings.openai_secret_arn
        world.moto.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=" ")
        message_ids.append(world.send(session_id))
        poller.run_until_quiet(worker)
    errors = [world.message(message_id).error for message_id in message_ids]
    assert [error and error.code for error in errors] == ["model_refused", "model_key_unavailable"]

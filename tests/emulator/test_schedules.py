"""The functions that clean up, as they are deployed."""

import os
import signal

from tests.emulator.conftest import Start
from tests.emulator.emulator import EmulatedFunction
from tests.emulator.poller import Delivery, Poller, wait_until
from tests.emulator.turns import check_answered_once, slow_model, wait_for_a_model_call
from tests.emulator.world import World
from tests.functions.lambda_events import Json, event_of


def test_a_deleted_session_is_erased_by_the_schedule(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    world.send(session_id)
    with start("run_turn", timeout=60) as worker:
        poller.run_until_quiet(worker)
    assert list(world.memory_dir.rglob("*.sqlite"))
    world.delete_session(session_id)
    with start("erase_session", VIBEWIRE_MEMORY_DIR="/nowhere") as misled:
        assert misled.invoke(event_of("erase_session"))["errorType"] == "PartsFailedError"
    with start("erase_session") as eraser:
        assert eraser.invoke(event_of("erase_session")) == {"erased_sessions": 1}
        assert eraser.invoke(event_of("erase_session")) == {"erased_sessions": 0}
    assert list(world.memory_dir.rglob("*")) == []


def closed(worker: EmulatedFunction, event: str = "close_abandoned_turns") -> Json:
    answer: Json = worker.invoke(event_of(event, session_id="x", receipt_handle="x", notification="{}"))
    return answer


def test_an_abandoned_turn_is_enqueued_again_and_answered(
    start: Start, world: World, poller: Poller, session_id: str
) -> None:
    message_id = world.send(session_id)
    with slow_model() as model, start("run_turn", timeout=60, OPENAI_BASE_URL=model) as worker:
        event = poller.receive()
        delivery = Delivery(poller, worker, event)
        wait_for_a_model_call(world, session_id)
        os.kill(worker.runtime_pid(), signal.SIGKILL)
        delivery.wait()
    world.moto.client("sqs").purge_queue(QueueUrl=world.queue_url)
    with start("close_abandoned_turns") as closer:
        nothing = {"TurnAbandoned": 0, "OrphanedSessionDeleted": 0, "RelayQueueRemoved": 0}
        wait_until(lambda: closed(closer) == {**nothing, "TurnAbandoned": 1})
        assert set(closed(closer, "close_abandoned_turns_dead_letter")) == {"TurnAbandoned"}
        closer.output.wait_for('"NotificationDead":')
    with start("run_turn", timeout=60) as another:
        poller.run_until_quiet(another)
    check_answered_once(world, session_id, message_id, attempts=2)


def test_one_part_of_the_cleaning_that_fails_stops_no_other_and_is_seen(start: Start, world: World) -> None:
    with start("close_abandoned_turns", VIBEWIRE_RELAY_CLUSTER="nowhere") as closer:
        world.moto.client("sqs").create_queue(
            QueueName=f"{world.settings.relay_queue_prefix}{'0' * 32}.fifo", Attributes={"FifoQueue": "true"}
        )
        failed = closer.invoke(event_of("close_abandoned_turns"))
        assert (failed["errorType"], failed["errorMessage"]) == ("PartsFailedError", "RelayQueueRemoved")
        closer.output.wait_for('"PartFailed":')

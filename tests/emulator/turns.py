"""What tests of run_turn look at."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from backend.app.domain.messages.message import MessageStatus
from tests.emulator.poller import wait_until
from tests.emulator.world import World
from tests.functions.lambda_events import Json
from tests.server_process import ServerProcess

ACKNOWLEDGED: Json = {"batchItemFailures": []}
_BEGUN = "message_started"
# A turn then takes about 6 s: too long for a function with 6 s, short enough for one with 10 s.
_SLOWLY = "0.22"


@contextmanager
def slow_model() -> Iterator[str]:
    with ServerProcess("tests.model_server", "--port", "0", "--pace", _SLOWLY) as model:
        yield model.url


def wait_for_a_model_call(world: World, session_id: str) -> None:
    wait_until(lambda: "token_usage" in world.event_types(session_id))


def check_answered_once(world: World, session_id: str, message_id: str, attempts: int) -> None:
    """One answer, one new version, one turn in the memory, every event in the log and on the topic."""
    message = world.message(message_id)
    assert (message.status, message.attempt, message.version) == (MessageStatus.COMPLETED, attempts, 2)
    types = world.event_types(session_id)
    assert types.count("vibecode_response") == 1
    assert types.count(_BEGUN) == attempts
    assert set(types) - set(world.received_types()) == set()
    assert turns_in_memory(world) == [(1, message_id)]


def turns_in_memory(world: World) -> list[tuple[int, str]]:
    (file,) = world.memory_dir.rglob("*.sqlite")
    with sqlite3.connect(file) as memory:
        return memory.execute("SELECT number, message_id FROM vibewire_turns").fetchall()

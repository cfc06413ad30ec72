"""Polling for the end of a message on AWS: cheap, and the caller reads the message again."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from backend.app.adapters.aws import completion_waiter as aws_completion_waiter
from backend.app.domain.engine import Engine
from backend.app.wiring_aws import build_aws_engine
from tests.aws_faults import Faults
from tests.contract.builders import claimed_turn, complete, current_message
from tests.contract.dynamodb_calls import dynamodb_calls
from tests.manual_time import ManualClock, SequentialIds
from tests.moto_aws import MotoAws, moto_in_process

_DEADLINE = 20.0


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoAws]:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr(aws_completion_waiter, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(aws_completion_waiter, "_LONGEST_PAUSE_SECONDS", 0.001)
    with moto_in_process() as moto:
        yield moto


@pytest.fixture
def engine(moto: MotoAws, clock: ManualClock, ids: SequentialIds) -> Engine:
    return build_aws_engine(moto.settings, moto.services, clock, ids)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.to_thread(lambda: None)


async def test_a_look_is_one_eventually_consistent_read_of_the_message_alone(engine: Engine, moto: MotoAws) -> None:
    turn = await claimed_turn(engine)
    message = await current_message(engine, turn)
    with dynamodb_calls(moto) as calls:
        async with asyncio.timeout(_DEADLINE):
            waiting = asyncio.create_task(engine.completion_waiter.wait_for_completion(message, _DEADLINE))
            await until(lambda: len(calls) >= 5)
            looks = calls[:5]
            await complete(engine, turn)
            await waiting
    assert [call.operation for call in looks] == ["GetItem"] * 5
    assert {call.sort_key for call in looks} == {f"MESSAGE#{message.number:012d}"}
    assert not any(call.parameters["ConsistentRead"] for call in looks)


async def test_a_look_that_fails_does_not_end_the_wait(engine: Engine, moto: MotoAws) -> None:
    turn = await claimed_turn(engine)
    message = await current_message(engine, turn)
    with Faults() as faults:
        faults.refuse("GetItem", "AccessDeniedException", times=3)
        async with asyncio.timeout(_DEADLINE):
            waiting = asyncio.create_task(engine.completion_waiter.wait_for_completion(message, _DEADLINE))
            await until(lambda: faults.injected == 3)
            assert not waiting.done()
            await complete(engine, turn)
            await waiting

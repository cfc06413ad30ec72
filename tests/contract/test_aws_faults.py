"""What the table's adapters do when DynamoDB throttles, refuses for a moment, or does half of what it was asked."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from backend.app.domain.engine import Engine
from backend.app.domain.messages.message import MessageStatus
from backend.app.wiring_aws import build_aws_engine
from shared.aws_item import Change, put, update
from shared.aws_table import AwsTable, ConditionFailedError, ContentionError, pause
from tests.aws_faults import Faults
from tests.contract.builders import (
    cancel,
    claim,
    claimed_turn,
    complete,
    current_message,
    everything_of,
    queued_message,
    record_response,
    stored_project,
    stored_session,
)
from tests.contract.event_builders import iteration_event
from tests.dynamodb_rules import RuleBrokenError
from tests.manual_time import ManualClock, SequentialIds
from tests.moto_aws import MotoAws, moto_in_process

CONFLICT = ("None", "TransactionConflict")
THROTTLED = ("ThrottlingError", "None")


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoAws]:
    # No pauses between the client's attempts: they would only slow the tests.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with moto_in_process() as moto:
        yield moto


@pytest.fixture
def faults(moto: MotoAws) -> Iterator[Faults]:
    with Faults() as faults:
        yield faults


@pytest.fixture
def engine(moto: MotoAws, clock: ManualClock, ids: SequentialIds) -> Engine:
    return build_aws_engine(moto.settings, moto.services, clock, ids)


@pytest.fixture
def table(moto: MotoAws) -> AwsTable:
    return AwsTable(moto.services.dynamodb, moto.settings.table_name)


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
async def test_a_throttled_read_is_made_again(engine: Engine, faults: Faults, code: str) -> None:
    project = await stored_project(engine)
    faults.refuse("GetItem", code, times=3)
    assert await engine.projects.find_project(project.project_id) == project
    assert faults.injected == 3


@pytest.mark.parametrize("reasons", [CONFLICT, THROTTLED], ids=["conflict", "throttled"])
async def test_a_transaction_that_met_another_one_is_made_again(
    engine: Engine, faults: Faults, reasons: tuple[str, ...]
) -> None:
    session = await stored_session(engine)
    faults.refuse("TransactWriteItems", "TransactionCanceledException", times=4, reasons=reasons)
    message = await queued_message(engine, session)
    assert faults.injected == 4
    assert await current_message(engine, message) == message


async def test_a_transaction_that_is_always_refused_raises_and_changes_nothing(engine: Engine, faults: Faults) -> None:
    turn = await claimed_turn(engine)
    before = await everything_of(engine, turn)
    faults.refuse(
        "TransactWriteItems",
        "TransactionCanceledException",
        reasons=("ItemCollectionSizeLimitExceeded",),
    )
    with pytest.raises(ClientError, match="TransactionCanceled"):
        await engine.turns.append_event(turn, iteration_event(engine, turn))
    assert await everything_of(engine, turn) == before


async def test_a_store_that_stays_throttled_raises(engine: Engine, faults: Faults) -> None:
    faults.refuse("GetItem", "ThrottlingException", times=100)
    with pytest.raises(ClientError, match="Throttling"):
        await engine.sessions.find_session("01900000-0000-7000-8000-000000000001")
    assert faults.injected < 20


async def test_a_server_error_is_waited_out(engine: Engine, faults: Faults) -> None:
    project = await stored_project(engine)
    faults.refuse("GetItem", "InternalServerError", status=500, times=2)
    assert await engine.projects.find_project(project.project_id) == project


async def test_keys_that_were_not_read_are_asked_for_again(table: AwsTable, moto: MotoAws, faults: Faults) -> None:
    keys = [{"pk": "p", "sk": f"s{number}"} for number in range(3)]
    for key in keys:
        await table.write(item=put({**key, "value": key["sk"]}))
    name = moto.settings.table_name
    unread = [{"pk": {"S": key["pk"]}, "sk": {"S": key["sk"]}} for key in keys]
    faults.answer("BatchGetItem", {"Responses": {name: []}, "UnprocessedKeys": {name: {"Keys": unread}}})
    assert [item["value"] for item in await table.get_many(keys) if item is not None] == ["s0", "s1", "s2"]


async def test_items_that_were_not_written_are_written_again(table: AwsTable, moto: MotoAws, faults: Faults) -> None:
    keys = [{"pk": "p", "sk": f"s{number}"} for number in range(30)]
    for key in keys:
        await table.write(item=put(key))
    left = [{"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": "s1"}}}}]
    faults.answer("BatchWriteItem", {"UnprocessedItems": {moto.settings.table_name: left}})
    await table.delete_many(keys)
    # The first batch was answered by the fault alone: only what it gave back was removed.
    assert len([item async for item in table.query("p", "s")]) == 24


async def test_a_turn_goes_through_a_store_that_hiccups_at_every_call(engine: Engine, faults: Faults) -> None:
    message = await queued_message(engine, await stored_session(engine))
    for operation in ("GetItem", "GetItem", "UpdateItem"):
        faults.refuse(operation, "ThrottlingException")
    turn = await claim(engine, message.message_id)
    faults.refuse("TransactWriteItems", "TransactionCanceledException", reasons=CONFLICT)
    await record_response(engine, turn)
    faults.refuse("TransactWriteItems", "TransactionInProgressException")
    await complete(engine, turn)
    assert (await current_message(engine, turn)).status == "completed"


async def test_pauses_end_where_nothing_gets_through() -> None:
    await pause(0)
    for attempt in (120, 5_000):
        with pytest.raises(ContentionError, match=f"{attempt} attempts"):
            await pause(attempt)


async def test_a_refused_condition_is_named(table: AwsTable) -> None:
    key = {"pk": "p", "sk": "s"}
    await table.write(item=put(key))
    with pytest.raises(ConditionFailedError) as refused:
        await table.write(
            fine=put({"pk": "p", "sk": "t"}),
            taken=put(key, "attribute_not_exists(pk)"),
            missing=update({"pk": "p", "sk": "u"}, Change(sets={"a": 1}), "attribute_exists(pk)"),
        )
    assert refused.value.failed == {"taken", "missing"}
    assert await table.get({"pk": "p", "sk": "t"}) is None


async def test_every_kind_of_value_comes_back_as_it_was(table: AwsTable) -> None:
    item = {
        "pk": "p",
        "sk": "s",
        "text": "né ☂",
        "empty": "",
        "number": 2**53,
        "yes": True,
        "bytes": b"\x00\xff",
        "numbers": {1, 2, 3},
        "list": ["a", 1, {"b": [True]}],
        "map": {"deep": {"number": -1}},
    }
    await table.write(item=put(item))
    assert await table.get({"pk": "p", "sk": "s"}) == item


# moto takes these: the rules that it lacks are checked before a request reaches it.


async def test_an_item_of_more_than_400_kilobytes_would_be_refused(table: AwsTable) -> None:
    with pytest.raises(RuleBrokenError, match="an item of"):
        await table.write(item=put({"pk": "p", "sk": "s", "body": b"x" * 420_000}))


async def test_the_same_item_twice_in_a_transaction_would_be_refused(table: AwsTable) -> None:
    with pytest.raises(RuleBrokenError, match="twice"):
        await table.write(one=put({"pk": "p", "sk": "s"}), two=put({"pk": "p", "sk": "s"}))


async def test_a_value_that_no_expression_uses_would_be_refused(table: AwsTable) -> None:
    with pytest.raises((RuleBrokenError, ParamValidationError), match=r"unused|only given"):
        await table.write(item=put({"pk": "p", "sk": "s"}, "attribute_not_exists(pk)", unused=1))


async def test_a_lease_that_is_given_back_while_a_cancel_is_written_leaves_no_mark_behind(
    engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await claimed_turn(engine)
    write = AwsTable.write

    async def release_first(table: AwsTable, *writes: Any, **named: Any) -> None:
        monkeypatch.setattr(AwsTable, "write", write)
        await engine.turns.release_lease(turn, clock.now())
        await write(table, *writes, **named)

    monkeypatch.setattr(AwsTable, "write", release_first)
    message, event = await cancel(engine, turn)
    assert event is not None
    assert (message.status, message.cancel_requested) == (MessageStatus.CANCELLED, False)

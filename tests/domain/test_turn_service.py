"""The rules of a turn, on a real engine and a real memory, with scripted agents."""

import asyncio
from datetime import timedelta

import pytest

from backend.app.domain.errors import EventLogBusyError, TurnError
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done, Requeue
from shared.events import MessageFailedEvent, VibecodeResponseEvent
from tests.domain.scripted_agents import CODE, USAGE
from tests.domain.turn_scripts import APPROVED, NEW_CODE, PASSING, PATCH, REJECTED, OpenTurnFixture
from tests.manual_time import ManualClock


async def test_a_question_is_answered_in_text_and_changes_no_code(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(Draft("There is one agent.", None))
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert (found.status, found.content, found.patch) == (MessageStatus.COMPLETED, "There is one agent.", None)
    assert (found.base_version, found.version) == (1, 1)
    assert await shop.code() == (1, CODE)


async def test_an_approved_patch_becomes_the_next_version(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(PATCH, APPROVED)
    message = await shop.queue()
    await shop.answer(message)
    assert await shop.code() == (2, NEW_CODE)
    versions = await shop.engine.projects.list_code_versions(shop.project.project_id, 10, None)
    assert (versions.items[0].message_id, versions.items[0].commit_message) == (message.message_id, "Add triage")
    answer = (await shop.events())[-1]
    assert isinstance(answer, VibecodeResponseEvent)
    assert answer.patch is not None
    assert '+triage = Agent(name="Triage")' in answer.patch
    assert answer.token_usage == USAGE + USAGE


async def test_a_rejection_goes_back_with_its_reason(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(PATCH, REJECTED, PATCH, APPROVED)
    message = await shop.queue()
    await shop.answer(message)
    assert (await shop.find(message)).iterations == 2
    assert shop.agents.briefs[0].feedback is None
    assert "Too thin." in (shop.agents.briefs[1].feedback or "")
    assert shop.agents.proposals[1].earlier_reviews == ("Too thin.",)


async def test_three_rejections_fail_the_message_with_the_last_reason(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(PATCH, REJECTED, PATCH, REJECTED, PATCH, REJECTED)
    message = await shop.queue()
    await shop.answer(message)
    found = await shop.find(message)
    assert found.status is MessageStatus.FAILED
    assert found.error is not None
    assert (found.error.code, found.error.detail) == ("not_approved", "Too thin.")
    assert found.iterations == 3
    assert await shop.code() == (1, CODE)
    assert await shop.remembered() == (0, ())


async def test_a_completed_turn_is_remembered_by_the_next(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(Draft("First.", None), Draft("Second.", None))
    await shop.answer(await shop.queue("One"))
    await shop.answer(await shop.queue("Two"))
    assert [item["content"] for item in shop.agents.histories[1]] == ["One", "First."]
    assert (await shop.remembered())[0] == 2


async def test_a_temporary_failure_is_retried_and_its_usage_kept(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(PASSING, Draft("Done.", None))
    message = await shop.queue()
    assert await shop.answer(message) == Requeue(2)
    assert (await shop.find(message)).status is MessageStatus.RUNNING
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert (found.status, found.attempt, found.token_usage) == (MessageStatus.COMPLETED, 2, USAGE + USAGE)
    assert shop.agents.histories == [(), ()]


async def test_three_temporary_failures_fail_the_message(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(PASSING, PASSING, PASSING)
    message = await shop.queue()
    assert [await shop.answer(message) for _ in range(3)] == [Requeue(2), Requeue(4), Done()]
    found = await shop.find(message)
    assert found.status is MessageStatus.FAILED
    assert found.error is not None
    assert found.error.code == "model_unavailable"
    assert isinstance((await shop.events())[-1], MessageFailedEvent)


async def test_a_lasting_failure_ends_immediately(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(TurnError("model_quota", "spent", retryable=False))
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    assert (await shop.find(message)).status is MessageStatus.FAILED


async def test_a_bug_is_logged_and_retried(open_fixture: OpenTurnFixture, caplog: pytest.LogCaptureFixture) -> None:
    shop = await open_fixture(ZeroDivisionError("oops"), Draft("Done.", None))
    message = await shop.queue()
    assert await shop.answer(message) != Done()
    assert "ZeroDivisionError" in caplog.text
    await shop.answer(message)
    assert (await shop.find(message)).status is MessageStatus.COMPLETED


async def test_a_retry_waits_as_long_as_the_server_asks(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(TurnError("model_unavailable", "429", retryable=True, retry_after=45))
    assert await shop.answer(await shop.queue()) == Requeue(45)


async def test_a_turn_that_takes_too_long_fails_for_good(open_fixture: OpenTurnFixture) -> None:
    async def never() -> Draft:
        await asyncio.Event().wait()
        raise AssertionError

    shop = await open_fixture(never, turn_seconds=0.05)
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert found.error is not None
    assert found.error.code == "turn_deadline"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError("a socket's"), "internal_error"),
        (EventLogBusyError("Others write to it."), "event_log_busy"),
    ],
)
async def test_a_timeout_inside_a_turn_is_not_the_deadline_of_the_turn(
    open_fixture: OpenTurnFixture, error: Exception, code: str
) -> None:
    shop = await open_fixture(error, error, error)
    message = await shop.queue()
    assert [await shop.answer(message) for _ in range(3)] == [Requeue(2), Requeue(4), Done()]
    found = await shop.find(message)
    assert found.error is not None
    assert (found.status, found.error.code, found.attempt) == (MessageStatus.FAILED, code, 3)


async def test_a_notification_of_a_later_message_runs_the_lowest_open_one_and_is_enqueued_again(
    open_fixture: OpenTurnFixture,
) -> None:
    shop = await open_fixture(Draft("One.", None), Draft("Two.", None))
    first, second = await shop.queue("1"), await shop.queue("2")
    assert await shop.answer(second) == Done()
    assert (await shop.find(first)).status is MessageStatus.COMPLETED
    async with asyncio.timeout(10):
        again = await shop.engine.queue.receive(60)
    assert again.notification.message_id == second.message_id
    assert await shop.service.run_turn(again.notification, again.receipt_handle) == Done()
    assert (await shop.find(second)).content == "Two."


async def test_a_redelivered_turn_is_answered_once(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(Draft("Done.", None))
    message = await shop.queue()
    assert [await shop.answer(message) for _ in range(3)] == [Done(), Done(), Done()]
    assert len(shop.agents.briefs) == 1


async def test_the_notification_of_a_turn_that_another_worker_holds_is_requeued(
    open_fixture: OpenTurnFixture, clock: ManualClock
) -> None:
    shop = await open_fixture(Draft("Done.", None))
    message = await shop.queue()
    await shop.engine.turns.claim_turn(message.message_id, clock.now(), clock.now() + timedelta(seconds=60), 3)
    assert await shop.answer(message) == Requeue(10)


async def test_a_turn_whose_attempts_are_spent_fails_visibly(open_fixture: OpenTurnFixture, clock: ManualClock) -> None:
    shop = await open_fixture()
    message = await shop.queue()
    for _ in range(3):
        await shop.engine.turns.claim_turn(message.message_id, clock.now(), clock.now(), 3)
        clock.advance(61)
    assert await shop.answer(message) == Done()
    failed = (await shop.events())[-1]
    assert isinstance(failed, MessageFailedEvent)
    assert failed.code == "attempts_spent"


async def test_a_node_session_shows_the_node(open_fixture: OpenTurnFixture) -> None:
    shop = await open_fixture(Draft("Yes.", None), node_id="assistant")
    await shop.answer(await shop.queue())
    assert shop.agents.briefs[0].node_id == "assistant"
    assert shop.agents.briefs[0].node_source == 'assistant = Agent(name="Assistant")'


@pytest.mark.parametrize("damage", [b"garbage " * 1000, b""])
async def test_a_missing_memory_is_rebuilt_from_the_stored_turns(open_fixture: OpenTurnFixture, damage: bytes) -> None:
    shop = await open_fixture(Draft("One.", None), Draft("Two.", None), Draft("Three.", None))
    await shop.answer(await shop.queue("1"))
    await shop.answer(await shop.queue("2"))
    for file in shop.memory_folder.rglob("*.sqlite*"):
        file.write_bytes(damage)
    await shop.answer(await shop.queue("3"))
    assert [item["content"] for item in shop.agents.histories[2]] == ["1", "One.", "2", "Two."]
    assert (await shop.remembered())[0] == 3

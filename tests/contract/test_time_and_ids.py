"""What every Clock and every IdGenerator owes."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest

from backend.app.adapters.system_clock import SystemClock
from backend.app.adapters.uuid7_ids import Uuid7Ids
from backend.app.domain.ports import Clock, IdGenerator
from tests.manual_time import ManualClock, SequentialIds


@pytest.fixture(params=[SystemClock, ManualClock])
def any_clock(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param()
    return clock


@pytest.fixture(params=[Uuid7Ids, SequentialIds])
def any_ids(request: pytest.FixtureRequest) -> IdGenerator:
    ids: IdGenerator = request.param()
    return ids


def test_the_time_is_aware_and_in_utc(any_clock: Clock) -> None:
    assert any_clock.now().utcoffset() == timedelta(0)


def test_the_system_clock_returns_the_current_time() -> None:
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)


def test_an_id_is_a_uuid_of_version_7_as_text(any_ids: IdGenerator) -> None:
    text = any_ids.new_id()
    assert str(UUID(text)) == text
    assert (UUID(text).version, UUID(text).variant) == (7, RFC_4122)


def test_ids_are_unique_and_grow(any_ids: IdGenerator) -> None:
    made = [any_ids.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))

"""The Prefer header: the wait that a client asks for, and the wait that the server grants."""

import pytest

from backend.app.api.prefer import MAX_WAIT_SECONDS, wait_seconds

DEFAULT = 20.0


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, DEFAULT),
        ("wait=3", 3),
        ('wait="3"', 3),
        ("Wait = 3", 3),
        ("wait=3; x=y", 3),
        ("wait=0", 0),
        ("wait=007", 7),
        ("wait=3, wait=9", 3),
        ("wait=abc, wait=9", 9),
        ("return=minimal, wait=3", 3),
        ("respond-async", 0),
        ("Respond-Async", 0),
        ("respond-async, wait=3", 3),
        ("wait=3, respond-async", 3),
        ("respond-async, wait=abc", 0),
    ],
)
def test_a_client_is_granted_the_wait_that_it_prefers(prefer: str | None, expected: float) -> None:
    assert wait_seconds(prefer, DEFAULT) == expected


@pytest.mark.parametrize("seconds", ["25", "26", "60", "9" * 400])
def test_no_client_waits_longer_than_25_seconds(seconds: str) -> None:
    assert wait_seconds(f"wait={seconds}", DEFAULT) == MAX_WAIT_SECONDS == 25


@pytest.mark.parametrize(
    "prefer",
    ["", " ", ",", ";", "=", "wait", "wait=", "wait=-1", "wait=+1", "wait=1.5", "wait=1e1", "wait=inf", "await=1"],
)
def test_an_invalid_preference_is_ignored(prefer: str) -> None:
    assert wait_seconds(prefer, DEFAULT) == DEFAULT


@pytest.mark.parametrize("seconds", ["²", "①", "1²"])
def test_digits_that_are_no_number_are_ignored(seconds: str) -> None:
    assert wait_seconds(f"wait={seconds}", DEFAULT) == DEFAULT

"""What another server said, without secrets: also where it is long, and where only a part of a word looks like one."""

import pytest

from backend.app.programs.models.redaction import REDACTED, redact

KEY = "sk-proj-Ab12Cd34Ef56Gh78Ij90"


@pytest.mark.parametrize(
    "said",
    [
        f"Incorrect API key provided: {KEY}.",
        "Incorrect API key provided: sk-pr...j90.",
        "key=sk-p****j90",
        "(sk-xxxxj90)",
        "the key sk-p\u2026j90, and sk-p##########j90",
        "-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "see https://user:pass9word@models.test/v1",
        "see ws+https://user:pass9word@models.test/v1",
        "x" * 19_000 + f" {KEY}",
    ],
)
def test_no_part_of_a_secret_is_left(said: str) -> None:
    redacted = redact(said, [KEY])
    assert REDACTED in redacted
    for part in ("Ab12", "j90", "pass9word", "c2lnbmF0dXJl"):
        assert part not in redacted


@pytest.mark.parametrize(
    "said", ["The model is overloaded...", "a**b and c__d", "https://models.test/v1 is away", "x" * 19_000]
)
def test_what_is_no_secret_is_left_as_it_is(said: str) -> None:
    assert redact(said, [KEY]) == said


def test_only_the_first_20_000_characters_are_read_and_given_back() -> None:
    assert len(redact("a-" * 500_000, [KEY])) == 20_000


def test_a_secret_that_is_cut_at_the_end_is_taken_out_too() -> None:
    redacted = redact("x " * 9_990 + KEY, [KEY])
    assert "Ab12" not in redacted
    assert redacted.endswith(REDACTED)

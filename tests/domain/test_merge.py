"""Three-way merge: what does not touch comes together, what does is left to the agent."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.app.domain.merge import merge

BASE = "a\nb\nc\nd\ne\n"


def test_changes_of_different_places_come_together() -> None:
    assert merge(BASE, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n") == "A\nb\nc\nd\nE\n"


def test_an_insertion_and_a_removal_elsewhere_come_together() -> None:
    assert merge(BASE, "a\nnew\nb\nc\nd\ne\n", "a\nb\nc\nd\n") == "a\nnew\nb\nc\nd\n"


def test_changes_of_the_same_line_do_not() -> None:
    assert merge(BASE, "a\nB\nc\nd\ne\n", "a\nbb\nc\nd\ne\n") is None


def test_changes_of_neighbouring_lines_do_not() -> None:
    assert merge(BASE, "a\nB\nc\nd\ne\n", "a\nb\nC\nd\ne\n") is None


def test_two_insertions_at_the_same_place_do_not() -> None:
    assert merge(BASE, BASE + "ours\n", BASE + "theirs\n") is None


def test_a_change_that_both_made_alike_counts_once() -> None:
    assert merge(BASE, BASE + "same\n", BASE + "same\n") == BASE + "same\n"


LINES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12).map(lambda lines: "".join(f"{x}\n" for x in lines))


@settings(derandomize=True, deadline=None)
@given(base=LINES, ours=LINES)
def test_a_change_against_none_is_the_change(base: str, ours: str) -> None:
    assert merge(base, ours, base) == ours
    assert merge(base, base, ours) == ours
    assert merge(base, ours, ours) == ours


@settings(derandomize=True, deadline=None)
@given(base=LINES, ours=LINES, theirs=LINES)
def test_the_sides_may_be_swapped(base: str, ours: str, theirs: str) -> None:
    assert merge(base, ours, theirs) == merge(base, theirs, ours)

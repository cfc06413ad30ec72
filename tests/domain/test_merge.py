"""Three-way merge: what does not touch comes together, what does is left to the agent."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.app.domain.projects.merge import merge

SEED = 20261127
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


def test_a_change_at_each_end_of_a_flood_of_empty_lines_comes_together() -> None:
    flood = "x = 1\n" + "\n" * 8_000 + "y = 1\n"
    ours, theirs = flood.replace("x = 1", "x = 2"), flood.replace("y = 1", "y = 2")
    assert merge(flood, ours, theirs) == ours.replace("y = 1", "y = 2")


def test_changes_that_take_too_long_to_compare_are_a_conflict() -> None:
    print("seed", SEED)
    dice = random.Random(SEED)
    base, ours = ("".join(dice.choice(["a\n", "b\n"]) for _ in range(3_000)) for _ in range(2))
    theirs = base[:2_001] + "z\n" + base[2_001:]
    assert merge("x\n" + base + "y\n", "X\n" + ours + "Y\n", "x\n" + theirs + "y\n") is None


def edited(dice: random.Random, lines: list[str], first: int, name: str) -> list[str]:
    """The lines with every fourth one from `first` on left alone, changed, removed, or followed by new ones."""
    made: list[str] = []
    for place, line in enumerate(lines):
        edit = dice.choice(["keep", "change", "remove", "add"]) if place % 4 == first else "keep"
        if edit == "change":
            made.append(f"{name} {place}\n")
        elif edit == "add":
            made += [line, *(f"{name} {place} {number}\n" for number in range(dice.randrange(1, 4)))]
        elif edit != "remove":
            made.append(line)
    return made


@pytest.mark.parametrize("size", [8, 60, 400])
def test_edits_of_different_lines_come_together_as_if_one_hand_had_made_them(size: int) -> None:
    """Ours are of lines 0, 4, 8 ..., theirs of 2, 6, 10 ...: one after another they are the right result."""
    print("seed", SEED)
    for round_number in range(40):
        base = [f"line {place}\n" for place in range(size)]
        ours, theirs = (
            edited(random.Random(f"{SEED} {round_number} {name}"), base, first, name)
            for first, name in ((0, "our"), (2, "their"))
        )
        both: list[str] = []
        left, right = blocks_of(base, ours), blocks_of(base, theirs)
        for place, line in enumerate(base):
            block = left[place] if place % 4 == 0 else right[place] if place % 4 == 2 else [line]
            both += block
        assert merge("".join(base), "".join(ours), "".join(theirs)) == "".join(both)


def blocks_of(base: list[str], made: list[str]) -> list[list[str]]:
    """What each line of the base became, in the lines that `edited` made of them."""
    blocks: list[list[str]] = [[] for _ in base]
    kept = {line: place for place, line in enumerate(base)}
    for line in made:
        place = kept.get(line, int(line.split()[1]))
        blocks[place].append(line)
    return blocks

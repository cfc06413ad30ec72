"""Which lines differ: always exact, whatever the texts, and never more work than is allowed."""

import random

import pytest

from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.line_changes import MAX_STEPS, changed_regions
from backend.app.domain.projects.merge import merge
from tests.steps import steps_of

SEED = 20261127
# Lines of Python that one step takes, and those that each line of the texts takes.
_PER_STEP, _PER_LINE = 15, 40


def changed(before: list[str], after: list[str]) -> list[str]:
    """The text after, put together from the text before and the regions."""
    made: list[str] = []
    done = 0
    for start, end, new_start, new_end in changed_regions(before, after):
        assert start > done or not done, "regions next to each other are one"
        assert len(made) + start - done == new_start, "what is between two regions is the same"
        made += before[done:start] + after[new_start:new_end]
        done = end
    return made + before[done:]


@pytest.mark.parametrize("letters", [1, 2, 4, 26])
def test_the_regions_lead_from_one_text_to_the_other(letters: int) -> None:
    print("seed", SEED)
    dice = random.Random(SEED + letters)
    for _ in range(1_500):
        before, after = ([chr(97 + dice.randrange(letters)) for _ in range(dice.randrange(14))] for _ in range(2))
        assert changed(before, after) == after


def test_a_few_changes_in_a_long_text_are_found_exactly() -> None:
    print("seed", SEED)
    dice = random.Random(SEED)
    before = [dice.choice(["", ")", "    ),", "pass"]) for _ in range(5_000)]
    places = sorted(dice.sample(range(0, 5_000, 10), 40))
    after = list(before)
    for place in places:
        after[place] = f"new {place}"
    regions = changed_regions(before, after)
    assert sum(end - start for start, end, _, _ in regions) == len(places)
    assert sum(new_end - new_start for _, _, new_start, new_end in regions) == len(places)


def test_a_moved_block_of_lines_is_one_removal_and_one_addition() -> None:
    before = [f"line {number}" for number in range(300)]
    after = before[:50] + before[100:200] + before[50:100] + before[200:]
    assert changed_regions(before, after) == [(50, 100, 50, 50), (200, 200, 150, 200)]


def hostile(kind: str, lines: int) -> tuple[str, str, str]:
    """A base and two changes of it that are made to be costly to compare."""
    dice = random.Random(SEED)
    if kind == "empty lines":
        base = ["x = 1", *[""] * lines, "y = 1"]
        middle = ["", *base[1 : lines // 2], "z = 1", *base[lines // 2 :]]
        return "\n".join(base), "\n".join(middle), "\n".join([*base[:-1], "y = 2"])
    if kind == "two lines at random":
        return tuple("".join(dice.choice(["\n", "a\n"]) for _ in range(lines)) for _ in range(3))  # type: ignore[return-value]
    if kind == "each line twice":
        numbers = [*range(lines // 2)] * 2
        return tuple("".join(f"{n}\n" for n in dice.sample(numbers, len(numbers))) for _ in range(3))  # type: ignore[return-value]
    base = [f"{number}\n" for number in range(lines)]
    return "".join(base), "".join(reversed(base)), "".join(dice.sample(base, lines))


KINDS = ["empty lines", "two lines at random", "each line twice", "unique lines shuffled"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_and_a_diff_stay_within_their_steps(kind: str) -> None:
    lines = 8_000
    base, ours, theirs = hostile(kind, lines)
    assert steps_of(unified_diff, base, ours) < _PER_STEP * MAX_STEPS + _PER_LINE * lines
    assert steps_of(merge, base, ours, theirs) < 2 * (_PER_STEP * MAX_STEPS + _PER_LINE * lines)


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_lines_are_about_twice_the_work(kind: str) -> None:
    small, large = (steps_of(merge, *hostile(kind, lines)) for lines in (8_000, 16_000))
    assert large < 2.5 * small


def test_a_part_that_would_take_too_long_to_compare_is_replaced_completely() -> None:
    print("seed", SEED)
    dice = random.Random(SEED)
    before, after = ([dice.choice("ab") for _ in range(3_000)] for _ in range(2))
    before, after = ["same", *before, "x"], ["same", *after, "y"]
    assert changed(before, after) == after
    assert len(changed_regions(before, after)) == 1

from __future__ import annotations

import pytest
from agents.apply_diff import apply_diff
from hypothesis import given
from hypothesis import strategies as st

from backend.local.demo_model.diff import v4a_diff

BLOCK = "agent = Agent(\n    name='x',\n    tools=[],\n)\n\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "a\n"),
        ("a\n", ""),
        ("a", "b"),
        ("a\n", "a"),
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\n\n\nb\n", "a\n\nb\n"),
        ("@@ not a hunk\n*** End Patch\n", "@@ not a hunk\n*** End Patch\nmore\n"),
        ("é\n", "é\nü\n"),
    ],
)
def test_a_patch_gives_the_new_text(old: str, new: str) -> None:
    assert apply_diff(old, v4a_diff(old, new)) == new


@pytest.mark.parametrize("place", range(12))
def test_a_change_of_one_of_many_equal_blocks_lands_on_that_one(place: int) -> None:
    blocks = [BLOCK] * 12
    changed = [*blocks[:place], BLOCK.replace("tools=[]", "tools=[search]"), *blocks[place + 1 :]]
    old, new = "".join(blocks), "".join(changed)
    assert apply_diff(old, v4a_diff(old, new)) == new


def test_two_changes_far_apart_make_two_hunks() -> None:
    lines = [f"line {number}" for number in range(60)]
    old = "\n".join(lines)
    new = old.replace("line 5\n", "five\n").replace("line 50\n", "fifty\n")
    diff = v4a_diff(old, new)
    assert diff.count("@@\n") == 2
    assert apply_diff(old, diff) == new


def test_line_ends_of_windows_stay_as_they_are() -> None:
    old, new = "a\r\nb\r\nc\r\n", "a\r\nx\r\nc\r\n"
    assert apply_diff(old, v4a_diff(old, new)) == new


@given(st.lists(st.sampled_from(["", "a", "    a", ")"]), min_size=1, max_size=60), st.data())
def test_one_changed_line_lands_on_that_line(lines: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    old, new = "\n".join(lines), "\n".join([*lines[:place], "changed", *lines[place + 1 :]])
    assert apply_diff(old, v4a_diff(old, new)) == new


@given(
    st.lists(st.sampled_from(["", "a", "b", "    a", ")"]), max_size=30).map("\n".join),
    st.lists(st.sampled_from(["", "a", "b", "    a", ")"]), max_size=30).map("\n".join),
)
def test_any_two_texts_round_trip(old: str, new: str) -> None:
    assert old == new or apply_diff(old, v4a_diff(old, new)) == new

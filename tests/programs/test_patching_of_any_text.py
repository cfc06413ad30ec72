"""Any text is applied or refused; what is applied is what the SDK makes of it."""

import difflib

from agents import apply_diff
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.app.programs.vibecoder.patching import apply_patch
from backend.app.programs.vibecoder.v4a import PatchRefusedError
from tests.programs.patches import LIMIT, patch

LINES = ["", "a = 1", "b = 2", "if a:", "    a = 1", "    b = 2", "        a = 1", "c = 3  ", "@@ b", "é = 1"]
LINE = st.sampled_from(LINES)
CODES = st.lists(LINE, max_size=25).map(lambda lines: "".join(f"{line}\n" for line in lines))
DIFF_LINE = st.builds(
    str.__add__, st.sampled_from([" ", "-", "+", "@@ ", "@@", "", "*** "]), LINE | st.text(max_size=5)
)
DIFFS = st.lists(DIFF_LINE | st.sampled_from(["*** End of File", "*** End Patch", "```"]), max_size=12).map("\n".join)


@st.composite
def codes_with_diffs(draw: st.DrawFn) -> tuple[str, str]:
    """Return a code and a diff of its own lines, some of them indented wrongly or out of order."""
    # No two differ in their indentation alone: there the SDK may take the wrong one.
    line = st.sampled_from(["", "a = 1", "b = 2", "if a:", "    c = 3", "    d = 4  ", "é = 1"])
    lines = draw(st.lists(line, min_size=1, max_size=12))
    diff: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        diff += ["@@", *(f"@@ {anchor}" for anchor in draw(st.lists(st.sampled_from(lines), max_size=2)))]
        start = draw(st.integers(0, len(lines) - 1))
        for context in lines[start : start + draw(st.integers(0, 4))]:
            diff += [f"+{added}" for added in draw(st.lists(line, max_size=1))]
            wrong = draw(st.sampled_from(["", "", "", "", "", " "]))
            diff.append(draw(st.sampled_from(" -")) + wrong + context)
        diff += draw(st.sampled_from([[], ["+d = 4"], ["+d = 4", "*** End of File"]]))
    return "\n".join(lines) + "\n", "\n".join(diff)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(code=CODES | st.text(), diff=DIFFS | st.text())
@example(code="\ud800", diff="@@\n-\ud800\n+\udfff\n")
@example(code="a", diff="+\0\n*** End of File")
def test_any_text_is_applied_or_refused(code: str, diff: str) -> None:
    try:
        assert apply_patch(code, diff, LIMIT) != code
    except PatchRefusedError as refused:
        str(refused).encode()


def v4a(old: str, new: str, context: int) -> str:
    """Return the V4A diff of two texts."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=context, lineterm="")
    return "\n".join("@@" if line.startswith("@@") else line for line in list(lines)[2:])


SAFE_LINE = st.sampled_from(["", "a = 1", "b = 2", "c = 3", "d = 4", "def f(): pass", "e = [5]"])
SAFE_CODES = st.lists(SAFE_LINE, min_size=1, max_size=25).map(lambda lines: "".join(f"{line}\n" for line in lines))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(old=SAFE_CODES, new=SAFE_CODES, context=st.integers(1, 5))
def test_a_true_diff_gives_the_new_code_or_is_refused_as_ambiguous(old: str, new: str, context: int) -> None:
    if old == new:
        return
    try:
        changed = patch(v4a(old, new, context), old)
    except PatchRefusedError as refused:
        message = str(refused)
    else:
        message = "ambiguous" if changed == new else f"not the new code: {changed!r}"
    assert "ambiguous" in message or "does not say where" in message


@settings(derandomize=True, deadline=None, max_examples=1_000)
@given(pair=codes_with_diffs())
def test_what_is_applied_is_what_the_sdk_makes_of_it(pair: tuple[str, str]) -> None:
    code, diff = pair
    try:
        changed = patch(diff, code)
        expected = apply_diff(code, diff)
    except ValueError:  # refused by either
        return
    assert changed == expected

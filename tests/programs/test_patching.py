import difflib
import textwrap

import pytest
from agents import apply_diff
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.app.programs.vibecoder.patching import apply_patch
from backend.app.programs.vibecoder.v4a import PatchRefusedError

LIMIT = 256 * 1024
CODE = textwrap.dedent(
    """\
    from agents import Agent


    class Triage:
        def run(self):
            prompt = "hello"
            return prompt


    class Billing:
        def run(self):
            prompt = "money"
            return prompt


    triage = Agent(name="Triage", instructions="Sort the questions.")
    billing = Agent(name="Billing")
    """
)
RENAME = '@@\n-billing = Agent(name="Billing")\n+billing = Agent(name="Money")\n'
RENAMED = CODE.replace('Agent(name="Billing")', 'Agent(name="Money")')


def patch(diff: str, code: str = CODE) -> str:
    return apply_patch(code, diff, LIMIT)


def refusal(diff: str, code: str = CODE, max_code_bytes: int = LIMIT) -> str:
    with pytest.raises(PatchRefusedError) as refused:
        apply_patch(code, diff, max_code_bytes)
    return str(refused.value)


def test_a_line_is_replaced() -> None:
    assert patch(RENAME) == RENAMED


def test_hunks_change_several_places() -> None:
    first = "@@\n from agents import Agent\n+import json\n"
    second = '@@ class Billing:\n     def run(self):\n-        prompt = "money"\n+        prompt = "cash"\n'
    expected = CODE.replace("import Agent\n", "import Agent\nimport json\n").replace('"money"', '"cash"')
    assert patch(first + second) == expected


def test_an_anchor_chooses_among_equal_lines() -> None:
    changed = patch("@@ class Billing:\n-        return prompt\n+        return None\n")
    assert changed == CODE[::-1].replace("        return prompt"[::-1], "        return None"[::-1], 1)[::-1]


def test_stacked_anchors_narrow_the_place() -> None:
    diff = "@@ class Billing:\n@@     def run(self):\n+        print()\n"
    assert patch(diff) == CODE.replace('        prompt = "money"', '        print()\n        prompt = "money"')


def test_an_anchor_may_leave_out_its_indentation() -> None:
    code = "class A:\n    def f(self):\n        x = 1\n        return x\n"
    assert patch("@@ def f(self):\n-        x = 1\n+        x = 2\n", code) == code.replace("1", "2")


def test_an_anchor_may_be_the_first_line_of_its_hunk() -> None:
    diff = '@@ class Billing:\n class Billing:\n-    def run(self):\n+    def go(self):\n         prompt = "money"\n'
    assert patch(diff).count("def go") == 1


def test_an_anchor_may_be_one_that_an_earlier_hunk_has_passed() -> None:
    code = "class A:\n    a = 1\n    b = 2\n    c = 3\n"
    diff = "@@ class A:\n-    a = 1\n+    a = 5\n@@ class A:\n-    c = 3\n+    c = 7\n"
    assert patch(diff, code) == "class A:\n    a = 5\n    b = 2\n    c = 7\n"


@pytest.mark.parametrize(
    "wrapped",
    [
        f"```diff\n{RENAME}```\n",
        f"\n```\n{RENAME}\n```\n\n",
        f"*** Begin Patch\n*** Update File: workflow.py\n{RENAME}*** End Patch\n",
        f"```\n*** Begin Patch\n*** Update File: workflow.py\n{RENAME}*** End Patch\n```",
        f"--- a/workflow.py\n+++ b/workflow.py\n{RENAME}",
        f"diff --git a/workflow.py b/workflow.py\nindex 1..2 100644\n--- a/w.py\n+++ b/w.py\n{RENAME}",
        RENAME.replace("@@", "@@ -3,1 +3,1 @@ class Nowhere:"),
        RENAME.replace("\n", "\r\n"),
        RENAME.removeprefix("@@\n"),
        RENAME + "\\ No newline at end of file\n",
        RENAME + "*** End of File\n",
        RENAME + "\n\n",
        "@@\n class Billing:\n\n\n" + RENAME,
    ],
)
def test_what_models_write_around_a_diff_is_left_out(wrapped: str) -> None:
    assert patch(wrapped) == RENAMED


def test_lines_that_look_like_headers_can_be_changed() -> None:
    code = 'x = """\n-- a\n"""\n'
    assert patch('@@\n x = """\n--- a\n+++ b\n', code) == 'x = """\n++ b\n"""\n'


def test_lines_are_added_at_the_end_of_the_file() -> None:
    assert patch("@@\n+x = 1\n*** End of File\n") == CODE + "x = 1\n"


def test_an_empty_file_is_filled() -> None:
    assert patch("@@\n+x = 1\n", "") == "x = 1\n"


def test_crlf_is_kept_and_given_to_new_lines() -> None:
    code = "a = 1\r\nb = 2\r\n"
    assert patch("@@\n a = 1\n-b = 2\n+b = 3\n+c = 4\n", code) == "a = 1\r\nb = 3\r\nc = 4\r\n"


def test_lines_that_stay_keep_their_bytes() -> None:
    code = "a = 1  \r\nb = 2\nc = '\u2028\x0c'\nd = 4"
    assert patch("@@\n a = 1\n-b = 2\n+b = 3\n c = '\u2028\x0c'\n", code) == code.replace("2\n", "3\n")


def test_a_line_after_an_open_end_begins_on_its_own_line() -> None:
    assert patch("@@\n a = 1\n+b = 2\n", "a = 1") == "a = 1\nb = 2\n"


@pytest.mark.parametrize(
    "diff", ["", "\n \n"[:1], "```\n```", "*** Begin Patch\n*** Update File: a\n*** End Patch", "@@"]
)
def test_an_empty_diff_is_refused(diff: str) -> None:
    message = refusal(diff)
    assert "empty" in message or "no lines" in message


@pytest.mark.parametrize("diff", ['@@\n billing = Agent(name="Billing")\n', RENAME.replace("Money", "Billing")])
def test_a_diff_that_changes_nothing_is_refused(diff: str) -> None:
    assert "changes nothing" in refusal(diff)


def test_sizes_are_counted_in_bytes_of_utf_8() -> None:
    assert apply_patch("a\n", "-a\n+'éé'\n", 7) == "'éé'\n"
    assert "code would be longer than 6 bytes" in refusal("-a\n+'éé'\n", "a\n", 6)
    assert "diff is longer than 10 bytes" in refusal("-a\n+'éé'\n", "a\n", 5)


def test_a_result_that_is_not_python_is_refused_with_its_line() -> None:
    message = refusal("@@\n from agents import Agent\n+def broken(:\n")
    assert "line 2" in message
    assert "`def broken(:`" in message


def test_a_line_that_is_not_in_the_file_is_named_with_the_nearest_one() -> None:
    message = refusal(RENAME.replace('"Billing")', "'Billing')"))
    assert "`billing = Agent(name='Billing')`" in message
    assert 'line 17: `billing = Agent(name="Billing")`' in message


def test_the_first_line_that_does_not_match_is_named_with_what_stands_there() -> None:
    message = refusal('@@\n class Billing:\n     def run(self):\n-        prompt = "coins"\n+        pass\n')
    assert "After line 11" in message
    assert '`        prompt = "coins"`' in message
    assert 'line 12 of the file is `        prompt = "money"`' in message


@pytest.mark.parametrize("sign", [" ", "-"])
def test_lines_with_another_indentation_are_refused(sign: str) -> None:
    diff = f'@@\n class Billing:\n     def run(self):\n{sign}    prompt = "money"\n+    x = 1\n'
    assert apply_diff(CODE, diff) != CODE  # the SDK takes it
    assert "the indentation differs" in refusal(diff)


def test_tabs_are_not_spaces() -> None:
    assert "indentation differs" in refusal("@@\n-\tx = 1\n+\tx = 2\n", "if 1:\n    x = 1\n")


def test_white_space_at_the_end_of_a_line_may_differ() -> None:
    assert patch("@@\n a = 1  \n-b = 2\n+b = 3\n", "a = 1\nb = 2 \n") == "a = 1\nb = 3\n"


def test_a_missing_anchor_is_refused() -> None:
    diff = RENAME.replace("@@", "@@ class Biling:")
    assert apply_diff(CODE, diff) == RENAMED  # the SDK passes over it
    message = refusal(diff)
    assert "`@@ class Biling:`" in message
    assert "line 10: `class Billing:`" in message


def test_a_missing_anchor_is_refused_at_the_end_of_the_file_too() -> None:
    assert "`@@ class Nowhere:`" in refusal("@@ class Nowhere:\n+x = 1\n*** End of File\n")


def test_an_anchor_after_its_lines_is_refused() -> None:
    message = refusal("@@ class Billing:\n-class Triage:\n+class Sorting:\n")
    assert "are at line 4, before `@@ class Billing:`" in message


@pytest.mark.parametrize(
    "diff",
    [
        "@@\n-        return prompt\n+        return None\n",
        "@@     def run(self):\n-        return prompt\n+        return None\n",
        "@@     def run(self):\n+        print()\n",
    ],
)
def test_an_ambiguous_place_is_refused_with_both_lines(diff: str) -> None:
    assert "ambiguous" in refusal(diff)


def test_an_anchor_that_was_passed_and_comes_again_leaves_the_place_in_doubt() -> None:
    code = "class A:\n    def f():\n        x = 1\n        y = 2\nclass B:\n    def f():\n        y = 2\n"
    diff = "@@ class A:\n-        x = 1\n+        x = 3\n@@     def f():\n-        y = 2\n+        y = 4\n"
    assert "fits at line 4 and at line 7" in refusal(diff, code)


def test_added_lines_without_a_place_are_refused() -> None:
    assert apply_diff(CODE, "@@\n+x = 1\n").startswith("x = 1\n")  # the SDK puts them at the top
    assert "does not say where" in refusal("@@\n+x = 1\n")


def test_hunks_out_of_order_are_refused() -> None:
    message = refusal(RENAME + "@@\n-from agents import Agent\n+from agents import Agent, Runner\n")
    assert "in the order of the file" in message
    assert "in the order" in refusal(RENAME + "@@ class Triage:\n+    x = 1\n")


@pytest.mark.parametrize("line", ["*** Add File: b.py", "*** Delete File: workflow.py", "*** Move to: b.py", "***"])
def test_other_files_are_refused(line: str) -> None:
    assert "the one file of the project" in refusal(f"{line}\n{RENAME}")
    assert "the one file of the project" in refusal(f"{RENAME}{line}\n{RENAME}")


def test_a_line_without_a_sign_is_refused_with_its_number() -> None:
    assert "Line 2 of the diff, `triage = 1`, has no sign" in refusal("@@\ntriage = 1\n+x = 1\n")


def test_text_after_the_patch_is_refused() -> None:
    assert "after *** End Patch" in refusal(f"*** Begin Patch\n{RENAME}*** End Patch\n{RENAME}")


def test_too_many_hunks_are_refused() -> None:
    assert "more than 500 hunks" in refusal("@@\n from agents import Agent\n" * 501)


def test_a_refusal_is_short_and_can_be_written_as_utf_8() -> None:
    message = refusal("@@\n-\ud800" + "x" * 5_000 + "\n+y\n")
    message.encode()
    assert len(message) < 600


@pytest.mark.parametrize(
    ("code", "diff"),
    [
        ("\n" * 100_000, "@@\n" + " \n" * 100_000 + "-x\n+y\n"),
        ("a\n" * 100_000, "@@\n" + " a\n" * 50_000 + "-b\n+c\n"),
        ("".join(f"a{i:0100}b{i}\n" for i in range(2_000)), "@@\n-a" + "0" * 90 + "bx\n+c\n"),
        ("a = 1\n" * 40_000, "@@ a = 1\n" * 500 + " a = 1\n"),
        ("a = 1\n" * 40_000, "@@ a = 1\n a = 1\n" * 500),
        ("a = 1\n", " a = 1\n*** End of File\n" * 20_000),
    ],
)
def test_a_diff_made_to_be_slow_ends_in_a_refusal(code: str, diff: str) -> None:
    refusal(diff, code, 1024 * 1024)


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

"""Diffs that are refused, with a message that helps the model."""

import pytest
from agents import apply_diff

from backend.app.programs.vibecoder.patching import apply_patch
from tests.programs.patches import CODE, RENAME, RENAMED, patch, refusal


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

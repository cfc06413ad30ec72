import pytest

from tests.programs.patches import CODE, RENAME, RENAMED, patch


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

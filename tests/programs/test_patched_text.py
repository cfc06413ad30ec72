"""Patches of files that are not all LF and ASCII: what stays keeps its bytes, what is refused can be acted on."""

import random
import re

import pytest

from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.merge import merge
from backend.app.programs.vibecoder.patching import apply_patch
from backend.app.programs.vibecoder.v4a import PatchRefusedError
from tests.steps import steps_of

LIMIT = 256 * 1024
MARK = "\ufeff"
CODE = "from agents import Agent\n\na = 1\nb = 2\n"
CHANGE = "@@\n a = 1\n-b = 2\n+b = 3\n"
CHANGED = CODE.replace("b = 2", "b = 3")


def patch(diff: str, code: str = CODE) -> str:
    return apply_patch(code, diff, LIMIT)


def refusal(diff: str, code: str = CODE) -> str:
    with pytest.raises(PatchRefusedError) as refused:
        patch(diff, code)
    return str(refused.value)


@pytest.mark.parametrize(
    "diff",
    [
        CHANGE,
        MARK + CHANGE,
        f"```diff\n{MARK}{CHANGE}```\n",
        f"*** Begin Patch\n*** Update File: workflow.py\n{MARK}{CHANGE}*** End Patch\n",
    ],
    ids=["none", "at the head", "in a fence", "in an envelope"],
)
@pytest.mark.parametrize("mark", ["", MARK], ids=["file without", "file with"])
def test_a_byte_order_mark_in_front_of_a_diff_or_a_file_disturbs_nothing(mark: str, diff: str) -> None:
    assert patch(diff, mark + CODE) == mark + CHANGED


@pytest.mark.parametrize("mark", ["", MARK], ids=["file without", "file with"])
@pytest.mark.parametrize("copied", ["", MARK], ids=["not copied", "copied"])
def test_the_first_line_is_found_and_replaced_with_or_without_its_byte_order_mark(mark: str, copied: str) -> None:
    diff = f"@@\n-{copied}from agents import Agent\n+{copied}from agents import Agent, Runner\n"
    assert patch(diff, mark + CODE) == mark + CODE.replace("Agent\n", "Agent, Runner\n", 1)


def test_lines_put_before_the_first_one_stand_behind_the_byte_order_mark() -> None:
    assert patch("@@\n+import json\n from agents import Agent\n", MARK + CODE) == f"{MARK}import json\n{CODE}"


def test_a_byte_order_mark_within_the_file_stays_where_it_is() -> None:
    code = f'a = """\n{MARK}text\n"""\nb = 2\n'
    assert patch(f'@@\n {MARK}text\n """\n-b = 2\n+b = 3\n', code) == code.replace("2", "3")


@pytest.mark.parametrize(
    ("code", "diff", "expected"),
    [
        ("a = 1\r\nb = 2\nc = 3\n", "@@\n c = 3\n+d = 4\n", "a = 1\r\nb = 2\nc = 3\nd = 4\n"),
        ("a = 1\r\nb = 2\nc = 3\n", "@@\n-a = 1\n+a = 5\n+z = 0\n", "a = 5\r\nz = 0\r\nb = 2\nc = 3\n"),
        ("a = 1\r\nb = 2\nc = 3\n", "@@\n-b = 2\n+b = 5\n", "a = 1\r\nb = 5\nc = 3\n"),
        ("a = 1\r\nb = 2\nc = 3\n", "@@\n a = 1\n+z = 0\n b = 2\n", "a = 1\r\nz = 0\nb = 2\nc = 3\n"),
        ("a = 1\nb = 2\r\nc = 3\r\n", "@@\n a = 1\n+z = 0\n b = 2\n", "a = 1\nz = 0\r\nb = 2\r\nc = 3\r\n"),
        (
            "a = 1\nb = 2\nc = 3\r\nd = 4\r\n",
            "@@\n c = 3\n+z = 0\n d = 4\n",
            "a = 1\nb = 2\nc = 3\r\nz = 0\r\nd = 4\r\n",
        ),
        ("a = 1\r\nb = 2\r\nc = 3", "@@\n c = 3\n+d = 4\n", "a = 1\r\nb = 2\r\nc = 3\r\nd = 4\r\n"),
        ("a = 1\nb = 2\r\n", "@@\n+z = 0\n a = 1\n", "z = 0\na = 1\nb = 2\r\n"),
        ("a = 1\rb = 2\rc = 3\r", "@@\n a = 1\n-b = 2\n+b = 5\n+z = 0\n", "a = 1\rb = 5\rz = 0\rc = 3\r"),
        ("a = 1\r\r\nb = 2\r\r\n", "@@\n a = 1\n-b = 2\n+b = 5\n", "a = 1\r\r\nb = 5\r\r\n"),
        ("a = 1", "@@\n a = 1\n+b = 2\n", "a = 1\nb = 2\n"),
    ],
    ids=[
        "one CRLF elsewhere",
        "the CRLF line itself",
        "the line after it",
        "between the two",
        "between, mostly CRLF",
        "in the CRLF part",
        "open end of CRLF",
        "at the top",
        "lone CR",
        "converted twice",
        "one open line",
    ],
)
def test_a_new_line_takes_the_line_end_of_its_place_or_the_most_frequent(code: str, diff: str, expected: str) -> None:
    assert patch(diff, code) == expected


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n"], ids=["CRLF", "CR", "CRCRLF"])
def test_a_diff_may_have_other_line_ends_than_the_file(end: str) -> None:
    assert patch(CHANGE.replace("\n", end)) == CHANGED


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_python_takes_for_no_line_end_is_none_in_a_patch_a_diff_and_a_merge(separator: str) -> None:
    code = f"a = 'x{separator}y'\nb = 2\nc = 3\nd = 4\n"
    changed = patch(f"@@\n a = 'x{separator}y'\n-b = 2\n+b = '{separator}'\n", code)
    assert changed == code.replace("b = 2", f"b = '{separator}'")
    assert unified_diff(code, changed).count("\n-") == 2  # the header and one line
    assert merge(code, changed, code.replace("d = 4", "d = 5")) == changed.replace("d = 4", "d = 5")


@pytest.mark.parametrize(
    ("before", "after", "line"), [("\r\n", "\n", 0), ("\n", "\r\n", 0), ("\r", "\n", 2), ("\n", "\r", 2)]
)
def test_a_merge_keeps_the_line_ends_of_each_side(before: str, after: str, line: int) -> None:
    lines = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5"]
    base = "".join(f"{text}{before}" for text in lines)
    theirs = base.replace(f"{lines[line]}{before}", f"{lines[line]}{after}")
    ours = base.replace("e = 5", "e = 6")
    assert merge(base, ours, theirs) == theirs.replace("e = 5", "e = 6")


def test_a_merge_keeps_a_byte_order_mark_and_an_open_end() -> None:
    base = f"{MARK}a = 1\nb = 2\nc = 3\nd = 4"
    assert merge(base, base.replace("a = 1", "a = 5"), base + "\n") == f"{MARK}a = 5\nb = 2\nc = 3\nd = 4\n"


@pytest.mark.parametrize(
    ("written", "stored", "names"),
    [
        (
            "café",
            "cafe\u0301",
            ["U+00E9 LATIN SMALL LETTER E WITH ACUTE", "U+0065 LATIN SMALL LETTER E + U+0301 COMBINING ACUTE"],
        ),
        ("cafe\u0301", "café", ["U+0301 COMBINING ACUTE ACCENT and the file has U+00E9"]),
        ("well-known", "well\u2011known", ["U+002D HYPHEN-MINUS", "U+2011 NON-BREAKING HYPHEN"]),
        ("paypal", "p\u0430ypal", ["U+0061 LATIN SMALL LETTER A", "U+0430 CYRILLIC SMALL LETTER A"]),
        ("a b", "a\u00a0b", ["U+0020 SPACE", "U+00A0 NO-BREAK SPACE"]),
        ("ab", "a\u200bb", ["the diff has nothing", "U+200B ZERO WIDTH SPACE"]),
        ("a\ufe0fb", "ab", ["U+FE0F VARIATION SELECTOR-16", "the file has nothing"]),
        ("it's", "it\u2019s", ["U+0027 APOSTROPHE", "U+2019 RIGHT SINGLE QUOTATION MARK"]),
        ("Ä", "A\u0308", ["U+00C4 LATIN CAPITAL LETTER A WITH DIAERESIS", "U+0308 COMBINING DIAERESIS"]),
        ("a\tb", "a    b", ["U+0009 TAB"]),
        ("fin", "\ufb01n", ["U+FB01 LATIN SMALL LIGATURE FI"]),
        ("\uac00", "\u1100\u1161", ["U+AC00 HANGUL SYLLABLE GA", "U+1100 HANGUL CHOSEONG KIYEOK"]),
    ],
)
@pytest.mark.parametrize("where", ["context", "anchor"])
def test_characters_that_look_alike_are_named_by_code_point(
    where: str, written: str, stored: str, names: list[str]
) -> None:
    code = f"greeting = '... {stored} ...'\nb = 2\n"
    head = f"@@ greeting = '... {written} ...'\n" if where == "anchor" else f"@@\n greeting = '... {written} ...'\n"
    message = refusal(f"{head}-b = 2\n+b = 3\n", code)
    assert re.search(r"They differ in their characters: at character (17|18|19|20|21) the diff has ", message)
    for name in names:
        assert name in message
    assert "as the file has them" in message


def test_a_difference_far_to_the_right_is_found_too() -> None:
    code = f"x = '{'text ' * 60}caf\u00e9'\n"
    assert "U+00E9" in refusal(f"@@\n-x = '{'text ' * 60}cafe\u0301'\n+x = ''\n", code)


def test_a_tab_where_the_file_has_spaces_is_named() -> None:
    message = refusal("@@\n-\tx = 1\n+\tx = 2\n", "if 1:\n    x = 1\n")
    assert "the indentation differs" in message
    assert "U+0009 TAB" in message


def test_a_difference_in_plain_letters_is_shown_by_the_quoted_lines_alone() -> None:
    message = refusal('@@\n-a = "one"\n+a = 1\n', 'a = "won"\nb = 2\n')
    assert "differ in their characters" not in message
    assert '`a = "won"`' in message


def test_looking_for_the_nearest_line_takes_few_steps_however_alike_they_are() -> None:
    dice = random.Random(20261127)

    def line() -> str:
        return "x = '" + "".join(dice.choice("ab") for _ in range(110)) + "'"

    code = "".join(f"{line()}\n" for _ in range(2_000))
    assert steps_of(refusal, f"@@\n-{line()}\n+c\n", code) < 3_000_000

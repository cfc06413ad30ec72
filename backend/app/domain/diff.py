"""The difference of two versions of a project's source, as `git apply` reads it."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

# Lines around a change, as git shows them.
CONTEXT_LINES = 3
# difflib can compare each line with each other one, many times over. Past this many steps (seconds of
# work) the whole changed region is shown as replaced: coarser, and still exact.
MAX_STEPS = 100_000_000

_Tag = Literal["replace", "delete", "insert", "equal"]
_Opcode = tuple[_Tag, int, int, int, int]


def unified_diff(old: str, new: str, path: str = "workflow.py") -> str:
    """Return the unified diff of two texts in git's style.

    A line ends at "\\n" and nowhere else, as git sees it: a form feed, a Unicode separator or the "\\r" of
    CRLF is part of the line.

    Args:
        old: the text before.
        new: the text after.
        path: the name in the headers; the caller's own, since it is not quoted.

    Returns:
        The diff with a line end after each line; empty if the texts are the same.
    """
    if old == new:
        return ""
    before, after = _lines(old), _lines(new)
    diff = [f"diff --git a/{path} b/{path}\n", f"--- a/{path}\n", f"+++ b/{path}\n"]
    for group in _Opcodes(before, after).get_grouped_opcodes(CONTEXT_LINES):
        diff += _hunk(group, before, after)
    return "".join(diff)


class _Opcodes(difflib.SequenceMatcher[str]):
    """The opcodes of difflib, worked out for the changed region only: what is around it costs nothing."""

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        super().__init__(None, before, after)
        self._before, self._after = before, after

    def get_opcodes(self) -> list[_Opcode]:
        before, after = self._before, self._after
        head = _common(before, after)
        tail = _common(before[head:][::-1], after[head:][::-1])
        end, new_end = len(before) - tail, len(after) - tail
        opcodes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
        for tag, i1, i2, j1, j2 in _compare(before[head:end], after[head:new_end]):
            opcodes.append((tag, i1 + head, i2 + head, j1 + head, j2 + head))
        if tail:
            opcodes.append(("equal", end, len(before), new_end, len(after)))
        return opcodes


def _compare(before: Sequence[str], after: Sequence[str]) -> list[_Opcode]:
    if before and after and _steps(before, after) > MAX_STEPS:
        return [("replace", 0, len(before), 0, len(after))]
    return difflib.SequenceMatcher(None, before, after).get_opcodes()


def _steps(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the most steps difflib can take: each match it finds costs a pass over all equal pairs."""
    counts = Counter(after)
    # difflib leaves out lines that are more than one in a hundred, such as empty ones.
    most = len(after) // 100 + 1 if len(after) >= 200 else len(after)
    pairs = len(before) + sum(counts[line] for line in before if counts[line] <= most)
    return pairs * min(len(before), len(after))


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many lines the two begin with in common."""
    for count, (line, other) in enumerate(zip(before, after, strict=False)):
        if line != other:
            return count
    return min(len(before), len(after))


def _hunk(
    group: Sequence[tuple[str, int, int, int, int]], before: Sequence[str], after: Sequence[str]
) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal":
            yield from (_line(" ", line) for line in before[i1:i2])
            continue
        yield from (_line("-", line) for line in before[i1:i2])
        yield from (_line("+", line) for line in after[j1:j2])


def _range(start: int, stop: int) -> str:
    # An empty range is named by the line before it.
    return f"{start + 1 if stop > start else start},{stop - start}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    *lines, rest = text.split("\n")
    return [line + "\n" for line in lines] + ([rest] if rest else [])

"""Patches in the V4A format, made so that they land on the right lines."""

from __future__ import annotations

from difflib import SequenceMatcher

_CONTEXTS = (3, 6, 12, 25, 50, 100)

Opcode = tuple[str, int, int, int, int]


def v4a_diff(old: str, new: str) -> str:
    """Write the V4A diff body that turns one text into another.

    A patch is applied by looking for the first place where a hunk's lines occur, so a file with
    repeated lines needs more context than three lines: it grows until every hunk is found where it
    belongs, at worst to the whole file.

    Args:
        old: The text before.
        new: The text after.

    Returns:
        Hunks, each introduced by `@@`; empty when the texts are equal.
    """
    old_lines = old.replace("\r\n", "\n").split("\n")
    new_lines = new.replace("\r\n", "\n").split("\n")
    if old_lines == new_lines:
        return ""
    for context in (*_CONTEXTS, len(old_lines)):
        # A fresh matcher each time: grouping cuts the context off the opcodes that the matcher keeps.
        matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
        hunks = [list(group) for group in matcher.get_grouped_opcodes(context)]
        if _all_found(old_lines, hunks):
            break
    return "".join(_hunk_text(old_lines, new_lines, hunk) for hunk in hunks)


def _all_found(lines: list[str], hunks: list[list[Opcode]]) -> bool:
    cursor = 0
    for hunk in hunks:
        start, end = hunk[0][1], hunk[-1][2]
        context = lines[start:end]
        first = next(
            (at for at in range(cursor, start + 1) if lines[at : at + len(context)] == context),
            None,
        )
        if first != start:
            return False
        cursor = end
    return True


def _hunk_text(old: list[str], new: list[str], hunk: list[Opcode]) -> str:
    written = ["@@"]
    for tag, old_start, old_end, new_start, new_end in hunk:
        if tag == "equal":
            written += [f" {line}" for line in old[old_start:old_end]]
            continue
        written += [f"-{line}" for line in old[old_start:old_end]]
        written += [f"+{line}" for line in new[new_start:new_end]]
    return "\n".join(written) + "\n"

"""Three-way merge of two changes of one text, line by line."""

from backend.app.domain.projects.line_changes import changed_regions
from backend.app.domain.projects.source import LINE

Change = tuple[int, int, tuple[str, ...]]


def merge(base: str, ours: str, theirs: str) -> str | None:
    """Merge two changes of `base`.

    Args:
        base: the text that both sides started from.
        ours: the text after one side's change.
        theirs: the text after the other's.

    Returns:
        The merged text; None where the two touch the same or neighbouring lines, as in diff3, or where the comparison
        would take too long (see `changed_regions`). A change that both sides made is applied once. The caller checks
        that the result is valid.
    """
    lines = LINE.findall(base)
    changes = sorted({*_changes(lines, ours), *_changes(lines, theirs)})
    merged: list[str] = []
    done = 0
    for number, (start, end, replacement) in enumerate(changes):
        if number and start <= changes[number - 1][1]:
            return None
        merged += lines[done:start]
        merged += replacement
        done = end
    return "".join(merged + lines[done:])


def _changes(base: list[str], changed: str) -> list[Change]:
    lines = LINE.findall(changed)
    return [
        (start, end, tuple(lines[new_start:new_end])) for start, end, new_start, new_end in changed_regions(base, lines)
    ]

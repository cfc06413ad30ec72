"""Finds consecutive lines in a text."""

from collections.abc import Sequence


class LineSearch:
    """Finds consecutive lines in one pass through the text, however many partial matches there are."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._text = "\n" + "".join(f"{line}\n" for line in lines)
        self._offsets = [0]
        for line in lines:
            self._offsets.append(self._offsets[-1] + len(line) + 1)
        self._index_of = {offset: index for index, offset in enumerate(self._offsets)}

    def find(self, lines: Sequence[str], start: int) -> int | None:
        """Return the index of the first of the lines, from line `start` on, or None."""
        if not lines:
            return start
        if start >= len(self._offsets):
            return None
        offset = self._text.find("\n" + "".join(f"{line}\n" for line in lines), self._offsets[start])
        return None if offset < 0 else self._index_of[offset]

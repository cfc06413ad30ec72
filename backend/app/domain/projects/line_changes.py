"""Finds the lines that differ between two versions of a text, in a bounded number of steps."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

# The most steps of the search beyond one pass through the lines: about 20 ms. Reordering four hundred lines that all
# occur more than once takes fewer.
MAX_STEPS = 100_000

# Lines before[start:end] became after[new_start:new_end].
Region = tuple[int, int, int, int]
# before[start : start + length] == after[new_start : new_start + length]
_Match = tuple[int, int, int]
# The matches of a path through the edit graph, as a linked list from its end.
_Path = tuple["_Path | None", _Match]
_NOWHERE: tuple[int, _Path | None] = (-1, None)


def changed_regions(before: Sequence[str], after: Sequence[str]) -> list[Region]:
    """Return the regions that differ, in order, none of them adjacent to another.

    Lines that occur exactly once on both sides are matched first (as in patience diff). The lines between two of them
    are compared by Myers' algorithm. Where that would take more than MAX_STEPS, all lines in between count as changed:
    coarser, but correct.
    """
    numbers: dict[str, int] = {}
    old = [numbers.setdefault(line, len(numbers)) for line in before]
    new = [numbers.setdefault(line, len(numbers)) for line in after]
    return list(_between(_matches(old, new), len(old), len(new)))


def regions_by_hunk(regions: Sequence[Region], context: int) -> Iterator[list[Region]]:
    """Group the regions whose context of so many lines before and after overlaps."""
    hunk: list[Region] = []
    for region in regions:
        if hunk and region[0] - hunk[-1][1] > 2 * context:
            yield hunk
            hunk = []
        hunk.append(region)
    yield hunk


def _between(matches: Sequence[_Match], old_size: int, new_size: int) -> Iterator[Region]:
    done = new_done = 0
    for start, new_start, length in (*matches, (old_size, new_size, 0)):
        if start > done or new_start > new_done:
            yield done, start, new_done, new_start
        done, new_done = start + length, new_start + length


def _matches(old: list[int], new: list[int]) -> list[_Match]:
    head, tail = _common_ends(old, new)
    end, new_end = len(old) - tail, len(new) - tail
    anchors = _anchors(old[head:end], new[head:new_end])
    matches: list[_Match] = [(0, 0, head)]
    place, new_place = head, head
    left = MAX_STEPS
    for anchor, new_anchor in (*anchors, (end - head, new_end - head)):
        stop, new_stop = head + anchor, head + new_anchor
        found, steps = _compare(old[place:stop], new[new_place:new_stop], left)
        left -= steps
        matches += [(place + at, new_place + new_at, length) for at, new_at, length in found]
        matches.append((stop, new_stop, 1))
        place, new_place = stop + 1, new_stop + 1
    matches[-1] = (end, new_end, tail)  # replaces the sentinel anchor of the end
    return matches


def _common_ends(old: Sequence[int], new: Sequence[int]) -> tuple[int, int]:
    """Return the length of the common prefix, and of the common suffix of the rest."""
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _anchors(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """Return the longest increasing sequence of positions of lines that occur exactly once on both sides."""
    counts, new_counts = Counter(old), Counter(new)
    place_of = {line: place for place, line in enumerate(old) if counts[line] == 1 == new_counts[line]}
    ends: list[int] = []  # by length of a run, less one: the least position at which such a run ends
    before: dict[int, int | None] = {}
    for line in new:
        place = place_of.get(line)
        if place is None:
            continue
        length = bisect_left(ends, place)
        before[place] = ends[length - 1] if length else None
        ends[length : length + 1] = [place]
    run: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        run.append(last)
        last = before[last]
    new_place_of = {line: place for place, line in enumerate(new)}
    return [(place, new_place_of[old[place]]) for place in reversed(run)]


def _compare(old: Sequence[int], new: Sequence[int], most_steps: int) -> tuple[list[_Match], int]:
    """Return the matches and the steps taken; no matches between prefix and suffix where it takes too many steps."""
    head, tail = _common_ends(old, new)
    end, new_end = len(old) - tail, len(new) - tail
    # A line that is only on one side was removed or added.
    shared = set(old[head:end]) & set(new[head:new_end])
    places = [place for place in range(head, end) if old[place] in shared]
    new_places = [place for place in range(head, new_end) if new[place] in shared]
    found, steps = _common([old[place] for place in places], [new[place] for place in new_places], most_steps)
    inner = [(places[at + n], new_places[new_at + n], 1) for at, new_at, length in found for n in range(length)]
    return [(0, 0, head), *inner, (end, new_end, tail)], steps


def _common(old: Sequence[int], new: Sequence[int], most_steps: int) -> tuple[list[_Match], int]:
    """Return a longest common subsequence of the two by the algorithm of Myers (1986), and the steps it took."""
    size, new_size = len(old), len(new)
    reached: dict[int, tuple[int, _Path | None]] = {1: (0, None)}  # the furthest position by diagonal, and its path
    steps = 0
    for edits in range(size + new_size + 1):
        for diagonal in range(-edits, edits + 1, 2):
            right, down = reached.get(diagonal - 1, _NOWHERE), reached.get(diagonal + 1, _NOWHERE)
            if right[0] < down[0]:
                start, path = down
            else:
                start, path = right[0] + 1, right[1]
            place = start
            while place < size and place - diagonal < new_size and old[place] == new[place - diagonal]:
                place += 1
            if place > start:
                path = (path, (start, start - diagonal, place - start))
            reached[diagonal] = (place, path)
            steps += 1 + place - start
            if place >= size and place - diagonal >= new_size:
                return _unwound(path), steps
            if steps > most_steps:
                return [], steps
    raise AssertionError("unreachable: removing all old lines and adding all new ones is a path")


def _unwound(path: _Path | None) -> list[_Match]:
    matches: list[_Match] = []
    while path is not None:
        path, match = path
        matches.append(match)
    return matches[::-1]

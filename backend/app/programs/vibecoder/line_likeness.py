"""Finds the line that a model may have meant, and the characters in which two similar lines differ."""

import difflib
import unicodedata
from collections.abc import Iterable
from heapq import nlargest

# How much of a line is compared. The cost of comparing two lines is at least quadratic in this.
MAX_COMPARED_CHARS = 120
_MAX_CANDIDATES = 10
_MIN_RATIO = 0.6
# A message names so many places of a line, and so many characters of each side.
_MAX_PLACES = 3
_MAX_CHARACTERS = 4


def closest_line(text: str, lines: Iterable[str]) -> str | None:
    """Return the line most similar to the text, the first of several; None where none is similar enough.

    Only the lines that share most characters with the text are fully compared.
    """
    matcher = difflib.SequenceMatcher(b=text[:MAX_COMPARED_CHARS], autojunk=False)

    def shared(line: str) -> float:
        matcher.set_seq1(line[:MAX_COMPARED_CHARS])
        return matcher.quick_ratio() if matcher.real_quick_ratio() >= _MIN_RATIO else 0.0

    def ratio(line: str) -> float:
        matcher.set_seq1(line[:MAX_COMPARED_CHARS])
        return matcher.ratio()

    candidates = nlargest(_MAX_CANDIDATES, dict.fromkeys(lines), key=shared)
    best = max(candidates, key=ratio, default=None)
    return best if best is not None and ratio(best) >= _MIN_RATIO else None


def unlike_characters(given: str, found: str) -> str:
    """Describe by code points where a line of a diff differs from the file's, if some difference is invisible.

    Returns:
        Sentences with a space after each; empty where the two differ in plain ASCII alone.
    """
    head, given_middle, found_middle = _without_common_ends(given, found)
    matcher = difflib.SequenceMatcher(
        None, given_middle[:MAX_COMPARED_CHARS], found_middle[:MAX_COMPARED_CHARS], autojunk=False
    )
    places = [
        f"at character {head + start + 1} the diff has {_named(given_middle[start:end])} and the file has "
        f"{_named(found_middle[new_start:new_end])}"
        for start, end, new_start, new_end in _complete_characters(matcher, given_middle, found_middle)
        if not _is_plain(given_middle[start:end] + found_middle[new_start:new_end])
    ]
    if not places:
        return ""
    more = "; and more" if len(places) > _MAX_PLACES else ""
    return (
        f"They differ in their characters: {'; '.join(places[:_MAX_PLACES])}{more}. Write them as the file has them. "
    )


def _without_common_ends(given: str, found: str) -> tuple[int, str, str]:
    """Return the length of the common prefix, and the rest of each text without the common suffix."""
    shorter = min(len(given), len(found))
    head = next((at for at in range(shorter) if given[at] != found[at]), shorter)
    # An accent belongs to the letter before it.
    while head and (_is_accent(given[head : head + 1]) or _is_accent(found[head : head + 1])):
        head -= 1
    left = shorter - head
    tail = next((at for at in range(left) if given[-1 - at] != found[-1 - at]), left)
    return head, given[head : len(given) - tail], found[head : len(found) - tail]


def _complete_characters(
    matcher: "difflib.SequenceMatcher[str]", given: str, found: str
) -> Iterable[tuple[int, int, int, int]]:
    """Yield the places that differ; a letter is included where its accents differ."""
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        back = bool(
            start
            and new_start
            and (_is_accent(given[start : start + 1]) or _is_accent(found[new_start : new_start + 1]))
        )
        yield start - back, end, new_start - back, new_end


def _is_accent(character: str) -> bool:
    return bool(character) and unicodedata.combining(character) != 0


def _is_plain(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)


def _named(text: str) -> str:
    if not text:
        return "nothing"
    names = [f"U+{ord(character):04X} {_name(character)}" for character in text[:_MAX_CHARACTERS]]
    return " + ".join(names) + (" + more" if len(text) > _MAX_CHARACTERS else "")


def _name(character: str) -> str:
    if character == "\t":
        return "TAB"
    return unicodedata.name(character, "without a name")

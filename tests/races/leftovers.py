"""Looks for words in everything that lies in a folder, however it is stored."""

from collections.abc import Iterable
from pathlib import Path


def files_with(folder: Path, *words: str) -> list[tuple[str, str]]:
    """The files below the folder that hold one of the words, with that word."""
    return [
        (str(file.relative_to(folder)), word)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for content in [file.read_bytes()]
        for word in words
        if word.encode() in content
    ]


def check_nothing_left(folder: Path, words: Iterable[str]) -> None:
    left = files_with(folder, *words)
    assert left == [], left


def check_all_there(folder: Path, words: Iterable[str]) -> None:
    """The words are found while they may be: else a search for what is left would prove nothing."""
    found = {word for _, word in files_with(folder, *words)}
    assert found == set(words), f"found only {found}"

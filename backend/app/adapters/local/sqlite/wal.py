"""Finds damage in SQLite's write-ahead log, which SQLite itself ignores.

SQLite reads the log up to the first frame with a wrong checksum and ignores the rest. That is right after a kill, when
the last frame is half written, but loses data silently when an earlier one is damaged. The format:
sqlite.org/fileformat2.html.
"""

import struct
from array import array
from itertools import pairwise
from pathlib import Path

_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_VERSION = 3_007_000
_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
# Checksums are computed at some 20 MB a second, and SQLite checkpoints its log at 4 MB.
_MOST_BYTES = 32_000_000

Checksum = tuple[int, int]


def find_wal_damage(wal: Path) -> str | None:
    """Describes the damage of a write-ahead log that no process has open; None if none is found.

    Of a log of more than 32 MB only the header is checked. Raises OSError.
    """
    try:
        size = wal.stat().st_size
        if size == 0:
            return None
        with wal.open("rb") as file:
            header = file.read(_HEADER_BYTES)
            frames = file.read(_MOST_BYTES) if size <= _MOST_BYTES else b""
    except FileNotFoundError:
        return None
    if len(header) < _HEADER_BYTES:
        return None  # killed while the header was written: there was no frame yet
    magic, version, page_bytes, _, *_salts = struct.unpack(">8I", header)
    order = _MAGIC.get(magic)
    if order is None or version != _VERSION or page_bytes not in _PAGE_SIZES:
        return "the write-ahead log has no valid header"
    seed = _checksum(header[:24], order, (0, 0))
    if seed != struct.unpack(">2I", header[24:]):
        return "the write-ahead log's header has a wrong checksum"
    return _find_frame_damage(frames, header[16:24], page_bytes, order, seed)


def _find_frame_damage(frames: bytes, salts: bytes, page_bytes: int, order: str, seed: Checksum) -> str | None:
    """The first wrong frame, if a later one is right and so was written after it."""
    step = _FRAME_HEADER_BYTES + page_bytes
    starts = [start for start in range(0, len(frames) - step + 1, step) if frames[start + 8 : start + 16] == salts]
    # Each checksum continues the stored one of the frame before, so each frame is checked by itself.
    stored = [seed, *(struct.unpack(">2I", frames[start + 16 : start + 24]) for start in starts)]
    wrong: int | None = None
    for number, (start, (before, after)) in enumerate(zip(starts, pairwise(stored), strict=True), 1):
        head, page = frames[start : start + 8], frames[start + _FRAME_HEADER_BYTES : start + step]
        if _checksum(head + page, order, before) != after:
            wrong = wrong or number
        elif wrong is not None:
            return f"frame {wrong} of {len(starts)} of the write-ahead log has a wrong checksum"
    return None


def _checksum(content: bytes, order: str, seed: Checksum) -> Checksum:
    words = array("I", content)
    if (order == ">") == (struct.pack("=H", 1) == b"\1\0"):
        words.byteswap()
    first, second = seed
    values = iter(words)
    for even, odd in zip(values, values, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

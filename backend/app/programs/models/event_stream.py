"""Decodes a stream of server-sent events according to the standard (WHATWG HTML, 9.2.6).

Once it has read an `id:` or `retry:`, the decoder of the `openai` client treats every blank line as the end of an event
and fails on its empty data. So the stream is decoded here first, and only events with data are passed on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(Exception):
    """A line or an event of the stream exceeds the size limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event with data; `name` is empty where the stream gives none."""

    name: str
    data: str


class EventStreamDecoder:
    """Decodes events from pieces of a stream, which may be cut anywhere.

    Args:
        max_bytes: the size limit of a line and of the data of an event.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._line = bytearray()
        self._has_started = False
        self._after_return = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """Decode a piece. Yields the events that it completes. Raises EventTooLargeError."""
        for read in self._lines(piece):
            line = read if self._has_started else read.removeprefix(_BOM)
            self._has_started = True
            if line:
                self._read_field(line)
            elif (event := self._dispatch()) is not None:
                yield event

    def _lines(self, piece: bytes) -> Iterator[bytes]:
        # A piece may end between the two characters of one line end.
        start = 1 if self._after_return and piece.startswith(b"\n") else 0
        if piece:
            self._after_return = piece.endswith(b"\r")
        for end in _LINE_END.finditer(piece, start):
            line = bytes(self._line) + piece[start : end.start()]
            self._line.clear()
            start = end.end()
            yield line
        self._line += piece[start:]
        if len(self._line) > self._max_bytes:
            raise EventTooLargeError

    def _read_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._size += len(value) + 1
            if self._size > self._max_bytes:
                raise EventTooLargeError
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode(errors="replace")

    def _dispatch(self) -> ServerSentEvent | None:
        name, data = self._name, b"\n".join(self._data)
        self._name, self._data, self._size = "", [], 0
        return ServerSentEvent(name, data.decode(errors="replace")) if data else None

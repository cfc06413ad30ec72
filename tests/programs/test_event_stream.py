"""The reader of event streams gives the same events however a stream is cut, and bounds what it keeps."""

import random
from itertools import pairwise

import pytest

from backend.app.programs.models.event_stream import EventStreamDecoder, EventTooLargeError

PARTS = [
    b"data: one\n\n",
    b"event: named\rdata:two\r\r",
    b"data: three\r\n data: no field\r\ndata:  and more\r\n\r\n",
    b": a comment\nid: 7\nretry: 10\n\n",
    b"data\n\ndata:\n\n",
    b"event: of nothing\n\n",
    b"data: \xff\xed\xa0\x80 and \xf0\x9f\x98\x80\n\n",
    b"dat: x\nDATA: y\nid\n\n\n\r\n\r",
]
EXPECTED = [("", "one"), ("named", "two"), ("", "three\n and more"), ("", "\ufffd\ufffd\ufffd\ufffd and 😀")]


def events_of(pieces: list[bytes]) -> list[tuple[str, str]]:
    decoder = EventStreamDecoder(1_000)
    return [(event.name, event.data) for piece in pieces for event in decoder.feed(piece)]


def feed_for_ever(decoder: EventStreamDecoder, piece: bytes) -> None:
    for _ in range(10_000):
        assert list(decoder.feed(piece)) == []


def test_a_stream_is_read_alike_wherever_it_is_cut() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    stream = b"\xef\xbb\xbf" + b"".join(PARTS)
    assert events_of([stream]) == EXPECTED
    assert events_of([bytes([one]) for one in stream]) == EXPECTED
    for _ in range(200):
        cuts = sorted(chance.sample(range(len(stream) + 1), chance.randint(0, 12)))
        bounds = [0, *cuts, len(stream)]
        assert events_of([stream[start:end] for start, end in pairwise(bounds)]) == EXPECTED


def test_an_event_that_never_ends_is_cut_off_in_the_stream() -> None:
    assert events_of([b"data: one\n", b"data: and the rest"]) == []


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 100, b"data: x\n", b"data:\n", b"x" * 90])
def test_lines_and_events_have_a_bound(piece: bytes) -> None:
    decoder = EventStreamDecoder(1_000)
    with pytest.raises(EventTooLargeError):
        feed_for_ever(decoder, piece)

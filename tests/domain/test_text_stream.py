"""The live text of a turn: halves of characters are held back, and nothing about it fails the turn."""

import asyncio

import pytest

from backend.app.domain.turns.text_stream import TextStream
from shared.event_fields import AgentName


class Onlooker:
    """Takes what is sent; `wait_for` returns once so many pieces are there."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, str]] = []
        self.asked = asyncio.Event()
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def send(self, agent: AgentName, iteration: int, offset: int, piece: str) -> None:
        self.asked.set()
        await self.may_go.wait()
        self.pieces.append((offset, piece))

    async def wait(self) -> None:
        """Wait until the next piece is being sent."""
        async with asyncio.timeout(10):
            await self.asked.wait()
        self.asked.clear()


@pytest.fixture
def onlooker() -> Onlooker:
    return Onlooker()


@pytest.fixture
def text(onlooker: Onlooker) -> TextStream:
    return TextStream(onlooker.send)


async def test_half_a_character_is_held_back_until_the_other_half_comes(text: TextStream, onlooker: Onlooker) -> None:
    text.add("vibecoder", 1, "So \ud83d")
    await onlooker.wait()
    assert onlooker.pieces == [(0, "So ")]
    text.add("vibecoder", 1, "\ude00!")
    await onlooker.wait()
    assert onlooker.pieces == [(0, "So "), (3, "😀!")]


async def test_half_a_character_at_the_end_is_replaced(text: TextStream, onlooker: Onlooker) -> None:
    text.add("vibecoder", 1, "So \ud83d")
    await text.flush()
    assert onlooker.pieces == [(0, "So \ufffd")]


async def test_what_no_event_can_carry_is_replaced(text: TextStream, onlooker: Onlooker) -> None:
    text.add("vibecoder", 1, "\ude00 a\0b \ud83d c")
    await text.flush()
    assert onlooker.pieces == [(0, "\ufffd a\ufffdb \ufffd c")]


async def test_text_that_cannot_be_sent_fails_no_turn(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("no bus")

    text = TextStream(fail)
    text.add("vibecoder", 1, "So")
    await text.flush()
    text.add("vibecoder", 1, "and so")
    await text.flush()
    assert [record.getMessage() for record in caplog.records] == ["Live text of a turn was not sent"] * 2


async def test_what_is_being_sent_stands_before_what_is_flushed(text: TextStream, onlooker: Onlooker) -> None:
    onlooker.may_go.clear()
    text.add("vibecoder", 1, "first ")
    await onlooker.wait()
    text.add("vibecoder", 1, "second")
    flushing = asyncio.create_task(text.flush())
    await asyncio.sleep(0)
    onlooker.may_go.set()
    await flushing
    assert onlooker.pieces == [(0, "first "), (6, "second")]

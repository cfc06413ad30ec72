"""The parts of a server process: they run beside it, end with it, and one that dies is reported."""

import asyncio
import socket

import pytest

from shared.server_process import listen, run_parts


async def until_cancelled(name: str, ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def die() -> None:
    raise ValueError("no more")


async def test_parts_are_cancelled_when_the_block_ends_the_last_one_first() -> None:
    ended: list[str] = []
    deaths: list[str] = []
    parts = {name: until_cancelled(name, ended) for name in ("relay", "worker")}
    async with run_parts(parts, lambda part, _: deaths.append(part)):
        await asyncio.sleep(0)
        assert ended == []
    assert ended == ["worker", "relay"]
    assert deaths == []


async def test_a_part_that_dies_is_reported_and_neither_the_block_nor_the_others_end() -> None:
    ended: list[str] = []
    died = asyncio.Event()
    deaths: list[tuple[str, str]] = []

    def on_death(part: str, error: BaseException) -> None:
        deaths.append((part, str(error)))
        died.set()

    async with run_parts({"relay": until_cancelled("relay", ended), "worker": die()}, on_death):
        await died.wait()
        await asyncio.sleep(0)
        assert ended == []
    assert deaths == [("worker", "no more")]
    assert ended == ["relay"]


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_listens_from_when_it_is_opened(host: str, family: socket.AddressFamily) -> None:
    with listen(host, 0) as listener, socket.create_connection(listener.getsockname()[:2], timeout=5) as client:
        assert listener.family == client.family == family
        with listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        with pytest.raises(OSError, match="in use"):
            listen(host, listener.getsockname()[1])

"""The stress tests use the event loop of production, and run with and without the fast path."""

import asyncio
import os
from collections.abc import Callable
from random import Random, SystemRandom

import pytest
import uvloop

from tests.relay_stress.crowd import Crowd
from tests.relay_stress.javascript_crowd import JavascriptCrowd, require_node
from tests.relay_stress.python_crowd import PythonCrowd

NewCrowd = Callable[[str], Crowd]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """asyncio's own loop leaves Nagle's algorithm on for sockets that it is given: each poll would take 40 ms."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=[True, False], ids=["fast", "default"])
def fast_path(request: pytest.FixtureRequest) -> bool:
    """Whether the relay writes to WebSockets directly: everything holds with and without it."""
    return bool(request.param)


@pytest.fixture
def javascript() -> NewCrowd:
    """Clients of the official socket.io-client; skips without Node."""
    require_node()
    return JavascriptCrowd


@pytest.fixture(params=["javascript", "python"])
def new_crowd(request: pytest.FixtureRequest) -> NewCrowd:
    """Clients of each of the two libraries."""
    if request.param == "python":
        return PythonCrowd
    require_node()
    return JavascriptCrowd


@pytest.fixture
def rng() -> Random:
    """Random numbers with a printed seed, so that a failed test can be repeated."""
    seed = int(os.environ.get("VIBEWIRE_TEST_SEED", SystemRandom().randrange(10**6)))
    print(f"VIBEWIRE_TEST_SEED={seed}")
    return Random(seed)

"""The rehearsal model that all tests of this folder talk to."""

from collections.abc import Iterator

import pytest

from tests.server_process import rehearsal_process


@pytest.fixture(scope="session")
def rehearsal_url() -> Iterator[str]:
    with rehearsal_process() as server:
        yield server.url

"""The model server that all tests of this folder use."""

from collections.abc import Iterator

import pytest

from tests.server_process import model_process


@pytest.fixture(scope="session")
def demo_model_url() -> Iterator[str]:
    with model_process() as server:
        yield server.url

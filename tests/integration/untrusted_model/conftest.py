"""A server of one's own, whose model's server is not trusted: every answer ends its turn visibly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.talk import Servers, own_servers
from tests.integration.untrusted_model.asking import KEY


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("untrusted")


@pytest.fixture(scope="module")
def own(data_dir: Path) -> Iterator[Servers]:
    patience = {"model_timeout_seconds": "1", "model_first_token_seconds": "1"}
    with own_servers(data_dir, openai_api_key=KEY, max_output_tokens="2000", **patience) as servers:
        yield servers
    assert "Traceback" not in servers.process.output, servers.process.output


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url

"""A started Vibewire with its model server, both real processes, for all tests of this folder."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.talk import Servers
from tests.server_process import model_process, vibewire_process
from tests.watcher import Watcher


@pytest.fixture(scope="session")
def demo_model_url() -> Iterator[str]:
    with model_process() as server:
        yield server.url


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, demo_model_url: str) -> Iterator[str]:
    data_dir: Path = tmp_path_factory.mktemp("vibewire")
    with vibewire_process(data_dir, demo_model_url, retry_delay_seconds="0.1") as server:
        yield server.url
    assert "Traceback" not in server.output, server.output


@pytest.fixture
async def servers(own: Servers) -> AsyncIterator[Servers]:
    """A module's own servers (its fixture `own`; `server_url` names theirs), without faults before and after."""
    yield own
    await own.drop_faults()


@pytest.fixture
async def http(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server_url, timeout=40) as client:
        yield client


@pytest.fixture
async def watcher(server_url: str) -> AsyncIterator[Watcher]:
    async with Watcher(server_url) as watcher:
        yield watcher


@pytest.fixture
async def project_id(http: httpx.AsyncClient) -> str:
    answer = await http.post("/projects", json={"name": "Support"})
    assert answer.status_code == 201
    created: str = answer.json()["project_id"]
    return created


@pytest.fixture
async def session_id(http: httpx.AsyncClient, project_id: str) -> str:
    answer = await http.post(f"/projects/{project_id}/sessions")
    assert answer.status_code == 201
    started: str = answer.json()["session_id"]
    return started

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from openai import AsyncOpenAI

from tests.model_server.server import ModelServer


@pytest.fixture
async def server(caplog: pytest.LogCaptureFixture) -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running
    noise = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in noise if record.name.startswith(("uvicorn", "asyncio"))] == []


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture
async def http(server: ModelServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.root_url) as opened:
        yield opened

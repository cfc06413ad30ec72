"""A machine that has too little memory left for a request says so; the request is not at fault."""

from typing import NoReturn

import httpx
import pytest

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.domain.projects.project_service import ProjectService


def run_out(*_: object, **__: object) -> NoReturn:
    raise MemoryError


async def test_a_request_for_which_there_is_no_memory_is_503_and_the_next_one_is_answered(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProjectService, "create_project", run_out)
    refused = await client.post("/projects", json={"name": "Large"})
    assert (refused.status_code, refused.json()["code"]) == (503, "out_of_memory")
    assert refused.headers["retry-after"]
    monkeypatch.undo()
    assert (await client.post("/projects", json={"name": "Large"})).status_code == 201


async def test_a_store_for_which_there_is_no_memory_is_503_and_the_next_request_is_answered(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalDatabase, "_transact", run_out)
    refused = await client.post("/projects", json={"name": "Large"})
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert "out of memory" in refused.json()["detail"]
    monkeypatch.undo()
    assert (await client.post("/projects", json={"name": "Large"})).status_code == 201

"""`make run` with every variable set that a library knows, but empty."""

from pathlib import Path

import httpx

from tests.empty_variables import EMPTY
from tests.server_process import ServerProcess


def test_a_turn_is_answered_by_the_demo_model_where_neither_key_nor_address_is_given(tmp_path: Path) -> None:
    environment = {**EMPTY, "VIBEWIRE_DATA_DIR": str(tmp_path), "VIBEWIRE_PORT": "0", "VIBEWIRE_MODEL": ""}
    with ServerProcess("backend.local.main", environment=environment) as server, httpx.Client(timeout=40) as http:
        project_id = http.post(f"{server.url}/projects", json={"name": "Support"}).json()["project_id"]
        session_id = http.post(f"{server.url}/projects/{project_id}/sessions").json()["session_id"]
        sent = http.post(f"{server.url}/sessions/{session_id}/messages", json={"prompt": "Create a triage agent"})
        assert (sent.status_code, sent.json()["status"]) == (200, "completed")
    assert "demo model" in server.output
    assert "Traceback" not in server.output

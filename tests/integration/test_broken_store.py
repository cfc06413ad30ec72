"""A store that is broken, emptied or lost is said in one line, and left as it was found."""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.integration.talk import Servers, own_servers, send, start_session, vibewire_server
from tests.integration.test_refused_start import refusal_of_start
from tests.server_process import ServerProcess

pytestmark = pytest.mark.long

Damage = Callable[[Path], None]
STORE = "vibewire.sqlite"


def overwrite_header(store: Path) -> None:
    with store.open("r+b") as file:
        file.write(b"\xff" * 100)


def cut_in_half(store: Path) -> None:
    content = store.read_bytes()
    store.write_bytes(content[: len(content) // 2])


def overwrite_a_page(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()
    with store.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def replace_by_text(store: Path) -> None:
    store.write_text("This is not a database, but a text file.\n" * 100)


def replace_by_folder(store: Path) -> None:
    store.unlink()
    store.mkdir()


def empty(store: Path) -> None:
    store.write_bytes(b"")


def lose(store: Path) -> None:
    store.unlink()


def start_anew(store: Path) -> None:
    store.unlink()
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("CREATE TABLE sessions (session_id TEXT)")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "its header is overwritten": (overwrite_header, "is damaged"),
    "it is cut in half": (cut_in_half, "is damaged"),
    "a page is overwritten": (overwrite_a_page, "is damaged"),
    "it is a text": (replace_by_text, "is damaged"),
    "it is a folder": (replace_by_folder, "cannot be used"),
    "it has 0 bytes": (empty, "is empty"),
    "it is missing": (lose, "is missing"),
    "it has no session": (start_anew, "is empty"),
}


@pytest.fixture(scope="module")
def model() -> Iterator[ServerProcess]:
    with ServerProcess("tests.model_server", "--port", "0") as model:
        yield model


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken").resolve()


@pytest.fixture(scope="module")
def content(data_dir: Path, model: ServerProcess) -> bytes:
    """The store of a server that answered one message and has stopped in good order; its memory is on disk."""
    with vibewire_server(data_dir, model.url) as server, httpx.Client(base_url=server.url, timeout=40) as http:
        project_id = http.post("/projects", json={"name": "Support"}).json()["project_id"]
        session_id = http.post(f"/projects/{project_id}/sessions").json()["session_id"]
        answer = http.post(f"/sessions/{session_id}/messages", json={"prompt": "Create a triage agent"})
        assert answer.json()["status"] == "completed"
    assert not (data_dir / f"{STORE}-wal").exists()
    return (data_dir / STORE).read_bytes()


def seen(store: Path) -> dict[str, bytes | None]:
    return {
        path.name: path.read_bytes() if path.is_file() else None
        for path in store.parent.glob(f"{STORE}*")
        if not path.name.endswith("-shm")
    }


def restore(store: Path, content: bytes) -> None:
    for path in store.parent.glob(f"{STORE}*"):
        path.rmdir() if path.is_dir() else path.unlink()
    store.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_start_on_a_broken_store_says_what_to_do_in_one_line_and_changes_nothing(
    damage: str, data_dir: Path, content: bytes, model: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = data_dir / STORE
    restore(store, content)
    break_store, words = DAMAGES[damage]
    break_store(store)
    before = seen(store)
    line = refusal_of_start(monkeypatch, data_dir, model.url)
    assert line.startswith(f"Vibewire cannot start: The store {store} {words}")
    assert "restore a backup" in line
    assert "move" in line
    assert "\n" not in line
    assert {name: found for name, found in seen(store).items() if found != b""} == {
        name: found for name, found in before.items() if found != b""
    }


async def test_a_store_that_is_put_back_serves_what_it_served(
    data_dir: Path, content: bytes, model: ServerProcess
) -> None:
    restore(data_dir / STORE, content)
    with vibewire_server(data_dir, model.url) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            (project,) = (await http.get("/projects")).json()["projects"]
    assert project["version"] == 2


def test_a_damaged_write_ahead_log_stops_the_start_and_a_half_written_one_does_not(
    tmp_path: Path, model: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path.resolve()
    with vibewire_server(data_dir, model.url) as server:
        with httpx.Client(base_url=server.url, timeout=40) as http:
            for number in range(10):
                http.post("/projects", json={"name": f"Project {number}"})
        server.kill()
    log = data_dir / f"{STORE}-wal"
    content = log.read_bytes()
    page_bytes = struct.unpack(">I", content[8:12])[0]
    middle = 32 + (page_bytes + 24) * (len(content) // (page_bytes + 24) // 2) + 500
    log.write_bytes(content[:middle] + b"\xa5" * 200 + content[middle + 200 :])
    line = refusal_of_start(monkeypatch, data_dir, model.url)
    assert "write-ahead log" in line
    assert "\n" not in line
    # What a kill leaves: the last frame is not complete.
    log.write_bytes(content[:-1000])
    with vibewire_server(data_dir, model.url) as server:
        assert len(httpx.get(f"{server.url}/projects?limit=50").json()["projects"]) >= 9


@pytest.mark.parametrize("break_store", [overwrite_header, lose, replace_by_text])
async def test_a_store_that_breaks_in_use_ends_the_process_with_a_line_and_a_failure(
    break_store: Damage, tmp_path: Path
) -> None:
    with own_servers(tmp_path) as servers:
        await _break_in_use(servers, break_store, tmp_path / STORE)
        servers.process.wait()
    assert servers.process.returncode == 1
    assert "Vibewire has stopped. The " in servers.process.output
    assert "damaged" in servers.process.output
    assert "Traceback" not in servers.process.output


async def _break_in_use(servers: Servers, break_store: Damage, store: Path) -> None:
    async with httpx.AsyncClient(base_url=servers.url, timeout=40) as http:
        session_id = (await start_session(http))["session_id"]
        assert (await send(http, session_id, "Create a triage agent"))["status"] == "completed"
        # So that nothing is left in the log, which SQLite would read instead.
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        break_store(store)
        answer = await http.post("/projects", json={"name": "After"})
    assert (answer.status_code, answer.json()["code"]) == (500, "storage_damaged")

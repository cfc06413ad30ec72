"""What lies on the server's own disk, where no client's cache can hide anything."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from backend.app.domain.sessions.memory import MemoryRef
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import PLENTY
from tests.nfs.ledger import Ledger

_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


async def check_nothing_is_lost_or_torn(folder: Path, ledger: Ledger) -> int:
    """Open the memory on the server, compare it with the ledger, and return its newest turn. No host may write."""
    ref = ledger.ref
    snapshot = await SQLiteMemory(MemoryFiles(folder)).read_memory(ref, PLENTY)  # rolls a hot journal back
    assert snapshot.history == ledger.history(snapshot.last_number)
    assert snapshot.last_number >= ledger.kept()
    with closing(sqlite3.connect(MemoryFiles(folder).path(ref))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert torn_turns(connection, ledger) == []
    return snapshot.last_number


def torn_turns(connection: sqlite3.Connection, ledger: Ledger) -> list[int]:
    """The turns whose marker and items are not what was completed."""
    torn = []
    markers = connection.execute("SELECT number, message_id, first_item, item_count FROM vibewire_turns").fetchall()
    for number, message_id, first, count in markers:
        rows = connection.execute(
            "SELECT message_data FROM agent_messages WHERE id >= ? AND id < ? ORDER BY id", (first, first + count)
        )
        items = tuple(json.loads(text) for (text,) in rows)
        if items != ledger.history(number, count) or not message_id.startswith(f"message-{number}"):
            torn.append(number)
    return torn


def has_hot_journal(folder: Path, ref: MemoryRef) -> bool:
    """Whether the memory's journal says that a transaction is under way or was left behind."""
    file = MemoryFiles(folder).path(ref)
    with file.with_name(f"{file.name}-journal").open("rb") as journal:
        return journal.read(len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC


def names_on_server(folder: Path, ref: MemoryRef) -> list[str]:
    """The names of what lies in the memory's folder; none where there is no folder."""
    parent = MemoryFiles(folder).path(ref).parent
    return sorted(path.name for path in parent.iterdir()) if parent.exists() else []

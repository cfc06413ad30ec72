"""The truth that the memories are held to: which turns were completed, and which of them a memory said it has.

It stands in for the store: a file on this machine's own disk, open to all processes of a test, safe from their kills.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from backend.app.domain.messages.message import CompletedTurn, Item
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.session import Session

_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, items TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kept (number INTEGER NOT NULL);
"""


class Ledger:
    """The completed turns of one session. Has of the TurnStore what a MemorySync calls."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def session(self) -> Session:
        """The session as it is now."""
        with self._open() as connection:
            newest = connection.execute("SELECT coalesce(max(number), 0) FROM turns").fetchone()[0]
        name = str(UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0001))
        return Session(name, name, None, datetime(2026, 1, 2, tzinfo=UTC), completed_number=newest)

    @property
    def ref(self) -> MemoryRef:
        """The session's memory."""
        session = self.session()
        return MemoryRef(session.session_id, session.openai_session_key)

    def complete(self, turn: CompletedTurn) -> bool:
        """Complete the turn, if it is the next one: then it must never be lost."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            newest = connection.execute("SELECT coalesce(max(number), 0) FROM turns").fetchone()[0]
            if newest != turn.number - 1:
                connection.rollback()
                return False
            connection.execute(
                "INSERT INTO turns VALUES (?, ?, ?)", (turn.number, turn.message_id, json.dumps(turn.items))
            )
            connection.commit()
            return True

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """See TurnStore."""
        with self._open() as connection:
            rows = connection.execute("SELECT * FROM turns WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
            return [CompletedTurn(number, message_id, tuple(json.loads(text))) for number, message_id, text in rows]

    def history(self, up_to: int, count: int | None = None) -> tuple[Item, ...]:
        """The items of the turns up to that number; of these the newest so many."""
        items: list[Item] = []
        with self._open() as connection:
            rows = connection.execute("SELECT items FROM turns WHERE number <= ? ORDER BY number DESC", (up_to,))
            for (text,) in rows:
                items[:0] = json.loads(text)
                if count is not None and len(items) >= count:
                    break
        return tuple(items if count is None else items[len(items) - count :])

    def note_kept(self, number: int) -> None:
        """A memory has said that it has this turn: from now on it must be there."""
        with self._open() as connection:
            connection.execute("INSERT INTO kept VALUES (?)", (number,))

    def kept(self) -> int:
        """The newest turn that a memory has said it has."""
        with self._open() as connection:
            newest: int = connection.execute("SELECT coalesce(max(number), 0) FROM kept").fetchone()[0]
            return newest

    def note(self, kind: str, text: str) -> None:
        """Write something down for the test to look at."""
        with self._open() as connection:
            connection.execute("INSERT INTO notes VALUES (?, ?)", (kind, text))

    def notes(self, kind: str) -> list[str]:
        """What was written down of this kind."""
        with self._open() as connection:
            return [text for (text,) in connection.execute("SELECT text FROM notes WHERE kind = ?", (kind,))]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, isolation_level=None, timeout=60)) as connection:
            # This machine does not lose its power here, and only kills are to be survived.
            connection.execute("PRAGMA synchronous=OFF")
            yield connection

"""The files of memories: their paths, quarantine and removal. Does not load the Agents SDK."""

import re
from contextlib import suppress
from pathlib import Path

from backend.app.domain.projects.node_name import is_node_name
from backend.app.domain.sessions.memory import MemoryRef

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY = re.compile(rf"project_{_UUID}(?:_node_(.+))?")
_SESSION_ID = re.compile(_UUID)


class MemoryFiles:
    """The files below one root folder: `{openai_session_key}/{session_id}.sqlite`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, ref: MemoryRef) -> Path:
        """The path of the memory's file. Raises ValueError for an id that could point outside the root."""
        key = _KEY.fullmatch(ref.openai_session_key)
        if not key or not (key[1] is None or is_node_name(key[1])) or not _SESSION_ID.fullmatch(ref.session_id):
            raise ValueError(f"{ref} does not name a memory")
        return self._root / ref.openai_session_key / f"{ref.session_id}.sqlite"

    def make_folder(self, ref: MemoryRef) -> Path:
        """Create the memory's folder, and return the path of its file. Safe to repeat. Raises OSError."""
        path = self.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def quarantine(self, ref: MemoryRef) -> None:
        """Rename the memory's files, so that they can be inspected later. Safe to repeat.

        The journal is renamed first: SQLite would roll it back into a new file with the old name.
        """
        path = self.path(ref)
        number = len(list(path.parent.glob(f"{path.name}.corrupt-*")))
        quarantined = f"{path.name}.corrupt-{number}"
        for suffix in ("-journal", ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(path.with_name(quarantined + suffix))

    def erase(self, ref: MemoryRef) -> None:
        """Remove the memory, its journal and its quarantined files. Safe to repeat.

        Raises OSError, also where a process on this host has the memory open; then some of it is left.
        """
        path = self.path(ref)
        # An NFS client renames a removed file that is open on its host to `.nfs...`, which stays if that host dies.
        for pattern in (f"{path.name}*", ".nfs*"):
            for file in path.parent.glob(pattern):
                file.unlink(missing_ok=True)
        # The folder is also used by the key's next session: it is removed only where it is empty.
        with suppress(OSError):
            path.parent.rmdir()

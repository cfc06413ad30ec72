"""Where memories lie on disk, and how they are removed. Knows nothing of the Agents SDK."""

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
        """The memory's file. Raises ValueError for an id that could lead out of the root."""
        key = _KEY.fullmatch(ref.openai_session_key)
        if not key or not (key[1] is None or is_node_name(key[1])) or not _SESSION_ID.fullmatch(ref.session_id):
            raise ValueError(f"{ref} does not name a memory")
        return self._root / ref.openai_session_key / f"{ref.session_id}.sqlite"

    def make_folder(self, ref: MemoryRef) -> Path:
        """The memory's file, in a folder that is there. Safe to repeat. Raises OSError."""
        path = self.path(ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def quarantine(self, ref: MemoryRef) -> None:
        """Rename the memory's files, to be looked at later. Safe to repeat.

        The journal goes first: left beside a new file of the old name it would be rolled back into that one.
        """
        path = self.path(ref)
        number = len(list(path.parent.glob(f"{path.name}.corrupt-*")))
        aside = f"{path.name}.corrupt-{number}"
        for suffix in ("-journal", ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(path.with_name(aside + suffix))

    def erase(self, ref: MemoryRef) -> None:
        """Remove the memory, its journal and all that was set aside. Safe to repeat.

        Raises OSError, also where a process of this host has the memory open: some of it is then still there.
        """
        path = self.path(ref)
        # An NFS client keeps a removed file that is open on its host as `.nfs...`, and for good if that host dies.
        for pattern in (f"{path.name}*", ".nfs*"):
            for file in path.parent.glob(pattern):
                file.unlink(missing_ok=True)
        # The folder also serves the key's next session; only an empty one goes.
        with suppress(OSError):
            path.parent.rmdir()

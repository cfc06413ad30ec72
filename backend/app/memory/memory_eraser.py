"""Erases memories without loading the Agents SDK."""

import asyncio
import errno
import os
from pathlib import Path

from backend.app.domain.sessions.memory import MemoryRef
from backend.app.memory.memory_files import MemoryFiles


class MemoryEraser:
    """The erasing half of a Memory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = MemoryFiles(root)

    async def erase_memory(self, ref: MemoryRef) -> None:
        """Remove the memory and its quarantined files. Safe to repeat.

        Raises OSError, also where the file system is not mounted: then nothing is known to be erased.
        """
        await asyncio.to_thread(self._erase, ref)

    def _erase(self, ref: MemoryRef) -> None:
        if not self._root.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._root))
        self._files.erase(ref)

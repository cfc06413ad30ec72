"""The shared disk is full, read-only or not there: a clear error that says to try again, and no torn turn."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.app.domain.errors import TurnError
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import PLENTY
from tests.nfs.conftest import Report, SharedFolder
from tests.nfs.ledger import Ledger
from tests.nfs.on_server import check_nothing_is_lost_or_torn
from tests.nfs.test_cut_off_hosts import complete_turn_on
from tests.nfs.workers import large_turn, memory_sync_of

LARGEST_DISK_TO_FILL = 8 << 30


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Nothing more goes onto the disk for so long."""
    balloon = folder / "balloon"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    if free > LARGEST_DISK_TO_FILL:
        pytest.skip(f"{free} bytes are free: too many to fill up")
    with balloon.open("wb") as file:
        for size in (1 << 20, 1 << 12):
            fill(file.fileno(), size)
    try:
        yield
    finally:
        balloon.unlink()


def fill(file: int, size: int) -> None:
    """Let the file grow by pieces of that size, doubled as long as they fit, until not one fits."""
    end, step = os.fstat(file).st_size, size
    while step >= size:
        try:
            os.posix_fallocate(file, end, step)
        except OSError:
            step //= 2
        else:
            end, step = end + step, step * 2


@contextmanager
def read_only(folder: Path, at: Path) -> Iterator[None]:
    """The folder is mounted read-only a second time for so long."""
    at.mkdir()
    subprocess.run(["mount", "-o", "bind,ro", folder, at], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


async def test_a_full_disk_is_to_be_tried_again_and_tears_no_turn(
    shared: SharedFolder, ledger: Ledger, report: Report
) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    memory = SQLiteMemory(MemoryFiles(shared.clients[0]))
    with full_disk(shared.server):
        with pytest.raises(TurnError) as caught:
            await memory.append_turns(ledger.ref, [large_turn(4)], create=False)
        assert (await memory.read_memory(ledger.ref, PLENTY)).last_number == 3
    report(f"disk full: {caught.value.detail}")
    assert (caught.value.code, caught.value.retryable) == ("memory_unavailable", True)
    await complete_turn_on(shared, ledger, 1)
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
async def test_a_read_only_disk_is_to_be_tried_again(
    shared: SharedFolder, ledger: Ledger, report: Report, tmp_path: Path
) -> None:
    await complete_turn_on(shared, ledger, 0)
    with read_only(shared.clients[0], tmp_path / "read-only"):
        memory = SQLiteMemory(MemoryFiles(tmp_path / "read-only"))
        with pytest.raises(TurnError) as caught:
            await memory.append_turns(ledger.ref, [large_turn(2)], create=False)
        with pytest.raises(TurnError) as of_another:
            await memory_sync_of(tmp_path / "read-only" / "deeper", ledger).refresh(ledger.session())
    for error in (caught.value, of_another.value):
        report(f"disk read-only: {error.detail}")
        assert (error.code, error.retryable) == ("memory_unavailable", True)
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 1

"""The proof that the memory is right on NFSv4.1. `make nfs` runs it; elsewhere every test of it is skipped.

What it needs, in environment variables:
    VIBEWIRE_TEST_NFS_MOUNTS  three mounts of one NFSv4.1 folder, by three clients with caches of their own,
                              such as /mnt/c1,/mnt/c2,/mnt/c3
    VIBEWIRE_TEST_NFS_EXPORT  the same folder as the server's own disk has it
    VIBEWIRE_TEST_NFS_PLUG    a command that is called with `out` or `in` and the last part of a mount's name (c1), and
                              disconnects or reconnects that client's network
Optional: VIBEWIRE_TEST_NFS_KILLS and VIBEWIRE_TEST_NFS_TURNS say how much, VIBEWIRE_TEST_NFS_SEED which random numbers.
Root is needed to drop caches and to mount a folder read-only; the tests of these are skipped for others.
"""

import os
import random
import shlex
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nfs.ledger import Ledger

_ALL_OF_THEM = ("VIBEWIRE_TEST_NFS_MOUNTS", "VIBEWIRE_TEST_NFS_EXPORT", "VIBEWIRE_TEST_NFS_PLUG")
_NO_NFS = "no NFS here"
_MEASUREMENTS = pytest.StashKey[list[str]]()

Report = Callable[[str], None]


@dataclass(frozen=True)
class SharedFolder:
    """A fresh folder on the server, as three clients and the server itself see it."""

    clients: tuple[Path, Path, Path]
    server: Path
    plug: str

    @contextmanager
    def cable_out(self, number: int) -> Iterator[None]:
        """The client is off the network for so long."""
        name = self.clients[number].parent.name
        subprocess.run([*shlex.split(self.plug), "out", name], check=True)
        try:
            yield
        finally:
            subprocess.run([*shlex.split(self.plug), "in", name], check=True)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MEASUREMENTS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    measurements = config.stash[_MEASUREMENTS]
    if measurements:
        terminalreporter.section("measurements")
        for line in measurements:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the run's summary say in one line, not in one a test, what is missing."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and _NO_NFS in report.longrepr[2]:
        report.longrepr = ("tests/nfs", 1, report.longrepr[2])
    return report


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Adds a line to the section `measurements` of the run's output."""
    return request.config.stash[_MEASUREMENTS].append


@pytest.fixture
def seed(report: Report, request: pytest.FixtureRequest) -> int:
    chosen = int(os.environ.get("VIBEWIRE_TEST_NFS_SEED", random.SystemRandom().randrange(10**6)))
    report(f"{request.node.name}: VIBEWIRE_TEST_NFS_SEED={chosen}")
    return chosen


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedFolder]:
    missing = [name for name in _ALL_OF_THEM if not os.environ.get(name)]
    if missing:
        pytest.skip(f"{_NO_NFS} (see tests/nfs/conftest.py): " + ", ".join(missing))
    mounts = [Path(mount) for mount in os.environ["VIBEWIRE_TEST_NFS_MOUNTS"].split(",")]
    first, second, third = (mount / f"vibewire-{os.getpid()}-{tmp_path.name}" for mount in mounts)
    server = Path(os.environ["VIBEWIRE_TEST_NFS_EXPORT"]) / first.name
    server.mkdir()
    server.chmod(0o777)
    yield SharedFolder((first, second, third), server, os.environ["VIBEWIRE_TEST_NFS_PLUG"])
    shutil.rmtree(server)


@pytest.fixture
def ledger(shared: SharedFolder, tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")

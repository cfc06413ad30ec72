"""`make nfs`: runs the proof on three NFS mounts, and writes what it printed to backend/validated_test_evidence/.

conftest.py says what it needs. Where there is no repository beside the files (a copy in a virtual machine),
VIBEWIRE_TEST_COMMIT names the commit.

python -m tests.nfs.write_transcript            as `make nfs` does
python -m tests.nfs.write_transcript --quick    a few turns on a folder of the local disk: shows that the target works,
                                                proves nothing about NFS, and writes nothing
"""

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRANSCRIPT = ROOT / "backend" / "validated_test_evidence" / "phase-005" / "nfs-memory.txt"
COMMAND = ["-m", "pytest", "-v", "--confcutdir=tests/nfs", "-p", "no:cacheprovider", "tests/nfs"]
_SOMETHING_RAN = (" passed", " failed")


def header(command: str) -> str:
    """What made the transcript, and on what."""
    mounts = os.environ.get("VIBEWIRE_TEST_NFS_MOUNTS", "").split(",")
    facts = {
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "commit": commit(),
        "machine": f"Linux {platform.release()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
    }
    lines = [f"# {name + ':':<9}{value}" for name, value in facts.items()]
    for line in Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if folder in mounts:
            lines.append(f"# {'mount:':<9}{folder} {kind} {options}")
    return "\n".join(lines) + "\n\n"


def commit() -> str:
    """The commit of the files, where it can be known; `dirty` where they were changed since."""
    if named := os.environ.get("VIBEWIRE_TEST_COMMIT"):
        return named
    try:
        found = _git("rev-parse", "HEAD")
        return found + (" (dirty)" if _git("status", "--porcelain", "--", ":!backend/validated_test_evidence") else "")
    except (OSError, subprocess.CalledProcessError):
        return "not known"


def main() -> None:
    """Run the tests, show what they print, and write it. Exits as they did; without NFS nothing is written."""
    parser = argparse.ArgumentParser(prog="write_transcript", description="The memory on NFSv4.1.")
    parser.add_argument("--quick", action="store_true", help="a few turns on the local disk; nothing is written")
    if parser.parse_args().quick:
        sys.exit(run_on_local_disk())
    lines: list[str] = []
    with subprocess.Popen([sys.executable, *COMMAND], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            shown = line.replace(str(ROOT), ".").replace(sys.executable, "python")
            print(shown, end="", flush=True)
            lines.append(shown)
    if not any(ran in line for ran in _SOMETHING_RAN for line in lines[-1:]):
        sys.exit("Nothing ran: tests/nfs/conftest.py says what is needed. No transcript was written.")
    TRANSCRIPT.parent.mkdir(parents=True, exist_ok=True)
    TRANSCRIPT.write_text(header("make nfs (python " + " ".join(COMMAND) + ")") + "".join(lines))
    print(f"Wrote {TRANSCRIPT.relative_to(ROOT)}")
    sys.exit(running.returncode)


def run_on_local_disk() -> int:
    """Run four writers on three names of one local folder. Returns pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="vibewire-nfs-quick-") as name:
        folder = Path(name)
        mounts = [folder / f"c{number}" for number in (1, 2, 3)]
        (folder / "export").mkdir()
        for mount in mounts:
            mount.symlink_to(folder / "export")
        settings = {
            "VIBEWIRE_TEST_NFS_MOUNTS": ",".join(map(str, mounts)),
            "VIBEWIRE_TEST_NFS_EXPORT": str(folder / "export"),
            "VIBEWIRE_TEST_NFS_PLUG": "true",
            "VIBEWIRE_TEST_NFS_TURNS": "20",
        }
        command = [sys.executable, *COMMAND, "-k", "four_writers"]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False).returncode


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()

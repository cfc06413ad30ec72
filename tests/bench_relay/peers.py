"""The compared servers, each a process on its own core."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.processes import MEASURED_CORE, cpu_ms, on_core
from tests.server_process import ROOT

NODE_MODULES = ROOT / "tests" / "node" / "node_modules"
_RELAY = (sys.executable, "-m", "tests.bench_relay.relay_server")
_NODE = ("node", "tests/bench_relay/node_server.js")
REFERENCE = "Node ws"
COMMANDS = {
    REFERENCE: _NODE,
    "Node uWS": (*_NODE, "--uws"),
    "relay, default path": (*_RELAY, "--default-path"),
    "relay": _RELAY,
}


def peers() -> list[str]:
    """The servers that can run here. Raises SystemExit if Node is missing."""
    if not shutil.which("node") or not (NODE_MODULES / "socket.io").exists():
        raise SystemExit("bench-relay was SKIPPED: no Node.js with npm (https://nodejs.org, 20.19 or newer)")
    has_uws = (NODE_MODULES / "@trufflesuite" / "uws-js-unofficial").exists()
    return [name for name in COMMANDS if has_uws or name != "Node uWS"]


def node_versions() -> str:
    """The versions of Node, socket.io and the ws that engine.io depends on."""
    script = (
        "const of = (name, from) => require(require.resolve(`${name}/package.json`, { paths: [from] })).version;"
        "const engine = require.resolve('engine.io', { paths: [require.resolve('socket.io')] });"
        "console.log(`Node ${process.versions.node}, socket.io ${of('socket.io', __dirname)}, ws ${of('ws', engine)}`)"
    )
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, cwd=NODE_MODULES)
    return run.stdout.strip()


@dataclass(frozen=True)
class Peer:
    """A server that runs."""

    pid: int
    port: int
    _control: IO[str]

    def publish(self, rooms: int, events: int, *, first: int = 0, length: int = 100) -> None:
        """Publish `events` events with a content of `length` characters to each of `rooms` rooms."""
        self._control.write(f"{first} {rooms} {events} {length}\n")
        self._control.flush()

    @property
    def cpu_seconds(self) -> float:
        """The CPU time that it has used."""
        return cpu_ms(self.pid) / 1_000

    @property
    def resident_bytes(self) -> int:
        """Its memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(name: str) -> Iterator[Peer]:
    """One of COMMANDS, until the block ends."""
    with on_core(MEASURED_CORE):
        process = subprocess.Popen(
            COMMANDS[name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"NODE_PATH": str(NODE_MODULES)},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Peer(process.pid, int(process.stdout.readline()), process.stdin)
    finally:
        process.kill()
        process.wait()

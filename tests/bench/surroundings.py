"""Where and how a measurement was made, for its table."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.processes import MEASURED_CORE, OTHER_CORE

_PACKAGES = ("openai-agents", "openai", "python-socketio", "fastapi", "uvicorn", "uvloop", "pydantic")
_COMMANDS = {
    "Vibewire": "python -m backend.local.main",
    "reference": "python -m tests.bench.bare_script",
    "model": "python -m tests.model_server --port 0",
    "ticker": "python -m tests.bench.ticked_server",
}


def surroundings() -> str:
    """The machine, the versions and the commands, a line each."""
    lines = [
        f"Vibewire against a bare script of the Agents SDK, {datetime.now(UTC):%d %b %Y %H:%M} UTC",
        f"machine    {machine()}",
        f"pinned     measured processes to core {MEASURED_CORE}, model and clients to core {OTHER_CORE}",
        f"versions   Python {platform.python_version()}, "
        + ", ".join(f"{package} {version(package)}" for package in _PACKAGES),
        f"command    python -m tests.bench.turn_cost {' '.join(sys.argv[1:])}".rstrip(),
        *(f"{name:10} {command}" for name, command in _COMMANDS.items()),
        "numbers    median (least-most) of the rounds; CPU is user and system time of all threads",
    ]
    return "\n".join(lines)


def machine() -> str:
    """Cores, processor, system and load."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores of {_processor()}, {platform.system()} {platform.release()}, load {load}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

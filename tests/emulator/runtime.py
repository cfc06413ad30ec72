"""What the Lambda runtime itself brings: its Python, and its client."""

import subprocess
import sys
from pathlib import Path

from tests.emulator.emulator import ROOT


def find_interpreter() -> str:
    """Python 3.13, as the artifacts were built with it. Raises subprocess.CalledProcessError where there is none."""
    command = [sys.executable, "infra/build_function.py", "--interpreter"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def install_runtime_client(interpreter: str) -> Path:
    """A folder with awslambdaric, which belongs to no artifact. Safe to repeat."""
    folder = ROOT / ".aws-sam" / "runtime-client"
    if not folder.exists():
        command = [".venv/bin/uv", "pip", "install", "--quiet", "--target", str(folder), "--python", interpreter]
        command += ["--only-binary", ":all:", "--constraint", "requirements/dev.txt", "awslambdaric"]
        subprocess.run(command, cwd=ROOT, check=True)
    return folder

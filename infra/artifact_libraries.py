"""The libraries of an artifact: installed for the runtime, trimmed and compiled, once for each content of a list."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from artifact_sources import ROOT, CannotBuildError, aws_services

RUNTIME = "3.13"
PLATFORM = "x86_64-manylinux_2_28"  # the runtime is Amazon Linux 2023, which has glibc 2.34
LIBRARIES_FOLDER = ROOT / ".aws-sam" / "libraries"

# What Lambda has no use for. FastAPI asks for pydantic.v1 with each route, and does without where it is not there.
UNUSED = {
    "http": ("bin", "boto3/data", "boto3/examples", "pydantic/v1"),
    "run_turn": ("bin", "boto3/data", "boto3/examples"),
    "clean_up": ("bin", "boto3/data", "boto3/examples"),
}
UNUSED_FILES = ("*.pyi", "py.typed", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED")


def libraries(name: str, interpreter: str) -> Path:
    """A folder with the libraries of a locked list, trimmed and compiled; made once for each content of the list."""
    locked = ROOT / "requirements" / f"{name}.txt"
    services = sorted(aws_services())
    content = [locked.read_bytes(), Path(__file__).read_bytes(), " ".join(services).encode(), interpreter.encode()]
    folder = LIBRARIES_FOLDER / f"{name}-{hashlib.sha256(b'|'.join(content)).hexdigest()[:16]}"
    if folder.exists():
        return folder
    LIBRARIES_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LIBRARIES_FOLDER) as new:
        install(locked, Path(new), interpreter)
        trim(Path(new), UNUSED[name], services)
        compile_all(Path(new), interpreter)
        try:
            Path(new).rename(folder)
        except OSError:
            if not folder.exists():  # else another build was faster
                raise
        else:
            Path(new).mkdir()  # for the end of the block
    return folder


def install(locked: Path, folder: Path, interpreter: str) -> None:
    """Install a locked list for the runtime: wheels only, each with the hash that the list names."""
    uv = os.environ.get("UV", str(ROOT / ".venv" / "bin" / "uv"))
    command = [uv, "pip", "install", "--quiet", "--target", str(folder), "--python", interpreter]
    command += ["--python-version", RUNTIME, "--python-platform", PLATFORM, "--only-binary", ":all:"]
    try:
        subprocess.run([*command, "--require-hashes", "--requirement", str(locked)], check=True)
    except FileNotFoundError:
        raise CannotBuildError(f"uv is needed, and is not at {uv}: run `make .venv/bin/uv`.") from None
    except subprocess.CalledProcessError:
        raise CannotBuildError(f"The libraries of {locked.name} cannot be installed; see above.") from None


def trim(folder: Path, unused: tuple[str, ...], services: list[str]) -> None:
    """Remove what is never loaded; of botocore's descriptions of all of AWS those of other services."""
    for name in unused:
        shutil.rmtree(folder / name, ignore_errors=True)
    for pattern in UNUSED_FILES:
        for file in folder.rglob(pattern):
            file.unlink()
    trim_descriptions(folder / "botocore" / "data", services)


def trim_descriptions(data: Path, services: list[str]) -> None:
    """Keep botocore's descriptions of these services alone, without the texts: they are parsed at each cold start."""
    for description in data.iterdir():
        if description.is_dir() and description.name not in services:
            shutil.rmtree(description)
    for packed in data.rglob("*.json.gz"):
        write_json(packed.with_suffix(""), without_texts(json.loads(gzip.decompress(packed.read_bytes()))))
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: found for name, found in partition["services"].items() if name in services}
    write_json(data / "endpoints.json", endpoints)


def without_texts(described: Any) -> Any:
    """A part of a description without its documentation."""
    if isinstance(described, list):
        return [without_texts(one) for one in described]
    if not isinstance(described, dict):
        return described
    return {
        name: without_texts(one)
        for name, one in described.items()
        if not (name == "documentation" and isinstance(one, str))
    }


def write_json(file: Path, content: Any) -> None:
    """A new file: the one of that name may be another name of one in uv's cache."""
    file.unlink(missing_ok=True)
    file.write_text(json.dumps(content, separators=(",", ":")))


def compile_all(folder: Path, interpreter: str) -> None:
    """Write bytecode that is used as it is: a deployed file has no reliable time."""
    command = [interpreter, "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash", str(folder)]
    if subprocess.run(command, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""}).returncode:
        raise CannotBuildError(f"Not all of {folder} can be compiled; see above.")

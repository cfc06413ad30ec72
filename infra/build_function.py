#!/usr/bin/env python3
"""Builds the artifact of one Lambda function: `build_function.py LOGICAL_ID FOLDER`; without arguments, of all.

`--interpreter` only prints the Python that it builds with.

An artifact holds the function's module, what that imports of this repository, the libraries of its locked list, and
bytecode of all of it, compiled by the runtime's own interpreter: without it a cold start takes three times as long.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from artifact_libraries import RUNTIME, compile_all, libraries
from artifact_sources import ROOT, CannotBuildError, all_functions, module_of, own_files

ALL_FOLDER = ROOT / ".aws-sam" / "artifacts"
# Which locked list a function is built from; all others answer HTTP.
LISTS = {"run_turn": "run_turn", "erase_session": "clean_up", "close_abandoned_turns": "clean_up"}


def find_interpreter() -> str:
    """The runtime's interpreter: what PYTHON313 names, or one on the PATH, or pyenv's. Raises CannotBuildError."""
    given = os.environ.get("PYTHON313")
    # pyenv's command on the PATH only works where that version was chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{RUNTIME}*/bin/python{RUNTIME}")
    for candidate in [given] if given else [f"python{RUNTIME}", "python3", *map(str, sorted(pyenv))]:
        try:
            version = subprocess.run(
                [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                check=False,
                capture_output=True,
                text=True,
            )
        except OSError:
            continue
        if version.stdout.strip() == RUNTIME:
            return candidate
    where = f"PYTHON313={given} is not it" if given else "no such command was found; PYTHON313 can name one"
    raise CannotBuildError(f"Python {RUNTIME} is needed, to compile for the Lambda runtime: {where}.")


def build(logical_id: str, folder: Path, interpreter: str) -> None:
    """Build one artifact, in place of what is there, and print its size."""
    module = module_of(logical_id)
    ready = libraries(LISTS.get(module, "http"), interpreter)
    shutil.rmtree(folder, ignore_errors=True)
    # Links, where the file system has them: twenty artifacts hold the same libraries.
    shutil.copytree(ready, folder, copy_function=link_or_copy)
    with tempfile.TemporaryDirectory() as own:
        for file in own_files(f"functions.{module}"):
            target = Path(own) / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        compile_all(Path(own), interpreter)
        shutil.copytree(own, folder, dirs_exist_ok=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{logical_id:32} {size / 1e6:6.1f} MB", flush=True)


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file; a copy where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def main() -> int:
    """Build what the command line names."""
    try:
        interpreter = find_interpreter()
        if sys.argv[1:] == ["--interpreter"]:
            print(interpreter)
        elif len(sys.argv) == 3:
            build(sys.argv[1], Path(sys.argv[2]).resolve(), interpreter)
        else:
            for logical_id in sys.argv[1:] or all_functions():
                build(logical_id, ALL_FOLDER / logical_id, interpreter)
    except CannotBuildError as error:
        print(f"build_function: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Which functions there are, and what each imports of this repository."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN_PACKAGES = ("functions", "backend", "shared")


class CannotBuildError(Exception):
    """The artifact cannot be built; the message says what is missing."""


def is_function(path: Path) -> bool:
    """Whether a module defines a handler."""
    return path.is_file() and re.search(r"^handler = ", path.read_text(), re.MULTILINE) is not None


def module_of(logical_id: str) -> str:
    """The module of a function: `create_project` of `CreateProjectFunction`."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id.removesuffix("Function")).lower()
    if not logical_id.endswith("Function") or not is_function(ROOT / "functions" / f"{name}.py"):
        raise CannotBuildError(f"There is no function {logical_id}: functions/{name}.py does not define a handler.")
    return name


def all_functions() -> list[str]:
    """The logical ids of all functions."""
    modules = sorted(path.stem for path in (ROOT / "functions").glob("*.py") if is_function(path))
    return ["".join(part.capitalize() for part in name.split("_")) + "Function" for name in modules]


def own_files(module: str) -> set[Path]:
    """The files of this repository that a module imports, itself and the packages around them included."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = ROOT.joinpath(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name.partition(".")[0] not in OWN_PACKAGES or not file.is_file() or file in found:
            continue
        found.add(file)
        waiting += [name.rpartition(".")[0], *imported_names(file)]
    return found


def imported_names(file: Path) -> Iterator[str]:
    """All that a file imports, wherever in it; of `from a import b` both `a` and `a.b`, which may be a module."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def aws_services() -> set[str]:
    """The AWS services that the code calls, and the one that the X-Ray SDK makes a client of for itself."""
    files = (file for package in OWN_PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {"xray"} | {name for file in files for name in re.findall(r'build_service\(\s*"([\w-]+)"', file.read_text())}

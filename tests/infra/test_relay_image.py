"""The relay's image: its files are enough to start, and each of them is part of its tag."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.infra.image_publisher import CONTAINERFILE, load_publisher
from tests.server_process import ROOT


@pytest.fixture(scope="module")
def publisher() -> ModuleType:
    return load_publisher()


def copied_sources() -> list[str]:
    """What the Containerfile copies from its context."""
    lines = re.findall(r"^COPY (?!--from)(\S+) \S+$", CONTAINERFILE.read_text(), re.MULTILINE)
    assert len(lines) == CONTAINERFILE.read_text().count("\nCOPY ") - 1
    return lines


def libraries_of_the_relay(folder: Path) -> Path:
    """A folder with the libraries of requirements/relay.txt, and no other."""
    names = re.findall(
        r"^([A-Za-z0-9_.-]+)==[^\\\n]*?(?:; (.*?))?\s*\\$", (ROOT / "requirements/relay.txt").read_text(), re.M
    )
    folder.mkdir()
    for name, _ in names:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or () if not file.parts[0].startswith("..")}:
            if top not in ("__pycache__", "bin") and not (folder / top).exists():
                (folder / top).symlink_to(str(distribution.locate_file(top)))
    return folder


def test_everything_that_is_copied_exists_and_is_in_the_context(publisher: ModuleType, tmp_path: Path) -> None:
    publisher.copy_sources(tmp_path)
    assert sorted(copied_sources()) == sorted(publisher.SOURCES)
    for source in copied_sources():
        assert (tmp_path / source).exists(), source


def test_the_files_and_libraries_of_the_image_are_enough_to_start(publisher: ModuleType, tmp_path: Path) -> None:
    publisher.copy_sources(tmp_path / "image")
    libraries = libraries_of_the_relay(tmp_path / "libraries")
    start = (
        f"import runpy, sys; sys.path[:0] = [{str(tmp_path / 'image')!r}, {str(libraries)!r}];"
        "runpy.run_module('backend.relay.main', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""
    message = json.loads(ended.stdout)["message"]
    assert message.startswith("The relay cannot start: ")
    assert "VIBEWIRE_TABLE_NAME" in message


def test_the_image_runs_unprivileged_and_writes_no_bytecode() -> None:
    text = CONTAINERFILE.read_text()
    user = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert user is not None
    assert "0" not in user.groups()
    assert "PYTHONDONTWRITEBYTECODE=1" in text
    assert "--require-hashes" in text
    assert "compileall" in text


def test_the_base_image_has_a_digest_and_is_a_source_of_the_tag(
    publisher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = publisher.base_image()
    assert re.fullmatch(r"python:3\.13\S*@sha256:[0-9a-f]{64}", base)
    assert CONTAINERFILE.read_text().count("FROM ${BASE_IMAGE}") == 2
    newer = f"{base.partition('@')[0]}@sha256:{'0' * 64}"
    assert publisher.source_digest([f"BASE_IMAGE={newer}"]) != publisher.source_digest()
    assert publisher.source_digest([f"BASE_IMAGE={base}"]) == publisher.source_digest()
    before = publisher.source_digest()
    publisher.copy_sources(tmp_path)
    monkeypatch.setattr(publisher, "ROOT", tmp_path)
    file = tmp_path / publisher.CONTAINERFILE
    file.write_text(file.read_text().replace(base, newer))
    assert publisher.source_digest() != before


def test_a_change_of_any_file_of_the_image_changes_its_tag(
    publisher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.copy_sources(tmp_path)
    before = publisher.source_digest()
    monkeypatch.setattr(publisher, "ROOT", tmp_path)
    assert publisher.source_digest() == before
    file = tmp_path / "backend/relay/main.py"
    file.write_text(file.read_text() + "\n")
    assert publisher.source_digest() != before

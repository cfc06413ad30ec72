"""The relay's image: its files are enough to start, and the way to the registry, with a container engine that only
takes notes (here is none, and no registry)."""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.server_process import ROOT

CONTAINERFILE = ROOT / "infra/relay/Containerfile"
ENGINE = """#!{python}
import json, sys, pathlib
given = sys.argv[1:]
note = {{"arguments": given, "stdin": sys.stdin.read() if "--password-stdin" in given else ""}}
if given[0] == "build":
    note["files"] = sorted(str(p.relative_to(given[-1])) for p in pathlib.Path(given[-1]).rglob("*") if p.is_file())
with open({notes!r}, "a") as notes:
    notes.write(json.dumps(note) + "\\n")
sys.exit(1 if given[0] in {failing!r} else 0)
"""


@pytest.fixture(scope="module")
def publisher() -> ModuleType:
    """infra/relay/publish_image.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("publish_image", ROOT / "infra/relay/publish_image.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Engine:
    """A container engine that takes notes of what it is asked to do."""

    def __init__(self, folder: Path, *failing: str) -> None:
        self._notes = folder / "notes"
        self.program = folder / "engine"
        self.program.write_text(ENGINE.format(python=sys.executable, notes=str(self._notes), failing=failing))
        self.program.chmod(0o755)

    @property
    def notes(self) -> list[dict[str, Any]]:
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        return [note for note in map(json.loads, lines) if note["arguments"] != ["info"]]


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("ecr")


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
    told = json.loads(ended.stdout)["message"]
    assert told.startswith("The relay cannot start: ")
    assert "VIBEWIRE_TABLE_NAME" in told


def test_the_image_runs_as_nobody_and_writes_no_bytecode() -> None:
    text = CONTAINERFILE.read_text()
    user = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert user is not None
    assert "0" not in user.groups()
    assert "PYTHONDONTWRITEBYTECODE=1" in text
    assert "--require-hashes" in text
    assert "compileall" in text


def test_the_first_image_makes_the_repository_and_is_built_and_pushed(
    publisher: ModuleType, ecr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, tag = Engine(tmp_path), publisher.source_digest()
    digests = iter([None, "sha256:abc"])
    monkeypatch.setattr(publisher, "find_digest", lambda *_: next(digests))
    arguments = ["PIP_INDEX_URL=https://mirror.example/simple"]
    address = publisher.publish(ecr, "vibewire-relay", str(engine.program), arguments)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert address == f"{repository['repositoryUri']}@sha256:abc"
    image = f"{repository['repositoryUri']}:{tag}"
    build, login, push = engine.notes
    assert build["arguments"][:2] == ["build", "--platform=linux/amd64"]
    assert f"--tag={image}" in build["arguments"]
    assert arguments[0] in build["arguments"]
    assert build["files"] == sorted(map(str, publisher.source_files()))
    assert login["arguments"][:2] == ["login", "--username=AWS"]
    assert login["stdin"]
    assert push["arguments"] == ["push", image]


def push_image(ecr: Any, tag: str, content: str = "1") -> str:
    """Put an image into the repository. Returns its digest."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"digest": f"sha256:{content}"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
    pushed = ecr.put_image(repositoryName="vibewire-relay", imageManifest=manifest, imageTag=tag)
    digest: str = pushed["image"]["imageId"]["imageDigest"]
    return digest


def test_an_image_that_was_pushed_before_is_not_built_again(publisher: ModuleType, ecr: Any, tmp_path: Path) -> None:
    engine, tag = Engine(tmp_path), publisher.source_digest()
    ecr.create_repository(repositoryName="vibewire-relay")
    assert publisher.find_digest(ecr, "vibewire-relay", tag) is None
    push_image(ecr, "0123456789abcdef", "other")
    assert publisher.find_digest(ecr, "vibewire-relay", tag) is None
    push_image(ecr, tag)
    address = publisher.publish(ecr, "vibewire-relay", str(engine.program), [])
    assert re.fullmatch(r".*/vibewire-relay@sha256:[0-9a-f]{64}", address)
    assert engine.notes == []


def test_the_same_sources_are_built_again_by_force_under_a_tag_of_their_own(
    publisher: ModuleType, ecr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, tag = Engine(tmp_path), publisher.source_digest()
    ecr.create_repository(repositoryName="vibewire-relay", imageTagMutability="IMMUTABLE")
    push_image(ecr, tag)
    run_engine = publisher.run_engine

    def run_and_push(*arguments: str, **more: Any) -> None:
        run_engine(*arguments, **more)
        if arguments[1] == "push":
            push_image(ecr, arguments[2].rpartition(":")[2], "newer")

    monkeypatch.setattr(publisher, "run_engine", run_and_push)
    publisher.publish(ecr, "vibewire-relay", str(engine.program), [], is_forced=True)
    pushed = engine.notes[-1]["arguments"][1].rpartition(":")[2]
    assert re.fullmatch(rf"{tag}-\d{{8}}T\d{{6}}", pushed)


def test_of_images_of_the_same_sources_the_newest_counts(publisher: ModuleType, tmp_path: Path) -> None:
    pages = [
        {"imageDetails": [{"imageTags": ["a1"], "imageDigest": "sha256:old", "imagePushedAt": 1}]},
        {
            "imageDetails": [
                {"imageTags": ["a1-20260301T0"], "imageDigest": "sha256:new", "imagePushedAt": 3},
                {"imageTags": ["a1-20260201T0"], "imageDigest": "sha256:mid", "imagePushedAt": 2},
                {"imageTags": ["a12"], "imageDigest": "sha256:other", "imagePushedAt": 4},
            ]
        },
    ]
    ecr = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: pages))
    assert publisher.find_digest(ecr, "vibewire-relay", "a1") == "sha256:new"
    assert publisher.find_digest(ecr, "vibewire-relay", "a") is None


def test_a_repository_that_is_made_keeps_ten_images_and_another_ones_is_left_alone(
    publisher: ModuleType, ecr: Any
) -> None:
    publisher.ensure_repository(ecr, "vibewire-relay")
    (rule,) = json.loads(ecr.get_lifecycle_policy(repositoryName="vibewire-relay")["lifecyclePolicyText"])["rules"]
    assert rule["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
    assert rule["action"] == {"type": "expire"}
    ecr.create_repository(repositoryName="theirs")
    publisher.ensure_repository(ecr, "theirs")
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName="theirs")


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


@pytest.mark.parametrize("base", ["python:3.13-slim", "python:latest", "python@sha256:abc", ""])
def test_a_base_image_without_a_digest_is_refused_before_anything_is_made(
    publisher: ModuleType, ecr: Any, tmp_path: Path, base: str
) -> None:
    engine = Engine(tmp_path)
    with pytest.raises(publisher.CannotPublishError, match="has no digest"):
        publisher.publish(ecr, "vibewire-relay", str(engine.program), [f"BASE_IMAGE={base}"])
    assert engine.notes == []
    assert ecr.describe_repositories()["repositories"] == []


def test_todays_digest_of_the_base_image_is_written_into_its_recipe(
    publisher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.copy_sources(tmp_path)
    monkeypatch.setattr(publisher, "ROOT", tmp_path)
    tag, _, old = publisher.base_image().partition("@")
    before = publisher.source_digest()
    today = f"sha256:{'7' * 64}"
    program = tmp_path / "pulling"
    program.write_text(f'#!/bin/sh\n[ "$1" = image ] && echo \'["python@{today}"]\'\nexit 0\n')
    program.chmod(0o755)
    assert publisher.update_base(str(program)) == publisher.base_image() == f"{tag}@{today}"
    assert old not in (tmp_path / publisher.CONTAINERFILE).read_text()
    assert publisher.source_digest() != before
    program.write_text("#!/bin/sh\n[ $1 = image ] && echo '[]'\nexit 0\n")
    with pytest.raises(publisher.CannotPublishError, match="does not print the digest"):
        publisher.update_base(str(program))


@pytest.mark.parametrize("step", ["build", "login", "push"])
def test_a_step_that_fails_is_named(publisher: ModuleType, ecr: Any, tmp_path: Path, step: str) -> None:
    engine = Engine(tmp_path, step)
    with pytest.raises(publisher.CannotPublishError, match=f"engine {step} failed with 1"):
        publisher.publish(ecr, "vibewire-relay", str(engine.program), [])


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


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--build-only"], {}, "No container engine: none of docker, podman is installed and answers."),
        (["--build-only", "--engine=nerdctl"], {}, "No container engine: none of nerdctl is installed and answers."),
        ([], {}, "You must specify a region."),
        ([], {"AWS_DEFAULT_REGION": "us-east-1"}, "Unable to locate credentials"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], words: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "infra/relay/publish_image.py", *arguments],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(words)
    assert len(ended.stderr.splitlines()) == 1

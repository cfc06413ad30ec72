"""Publishing the relay's image, with a container engine that only records its calls and moto as ECR."""

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

from tests.infra.image_publisher import Engine, load_publisher, push_image
from tests.server_process import ROOT


@pytest.fixture(scope="module")
def publisher() -> ModuleType:
    return load_publisher()


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("ecr")


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
    build, login, push = engine.calls
    assert build["arguments"][:2] == ["build", "--platform=linux/amd64"]
    assert f"--tag={image}" in build["arguments"]
    assert arguments[0] in build["arguments"]
    assert build["files"] == sorted(map(str, publisher.source_files()))
    assert login["arguments"][:2] == ["login", "--username=AWS"]
    assert login["stdin"]
    assert push["arguments"] == ["push", image]


def test_an_image_that_was_pushed_before_is_not_built_again(publisher: ModuleType, ecr: Any, tmp_path: Path) -> None:
    engine, tag = Engine(tmp_path), publisher.source_digest()
    ecr.create_repository(repositoryName="vibewire-relay")
    assert publisher.find_digest(ecr, "vibewire-relay", tag) is None
    push_image(ecr, "0123456789abcdef", "other")
    assert publisher.find_digest(ecr, "vibewire-relay", tag) is None
    push_image(ecr, tag)
    address = publisher.publish(ecr, "vibewire-relay", str(engine.program), [])
    assert re.fullmatch(r".*/vibewire-relay@sha256:[0-9a-f]{64}", address)
    assert engine.calls == []


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
    pushed = engine.calls[-1]["arguments"][1].rpartition(":")[2]
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


@pytest.mark.parametrize("base", ["python:3.13-slim", "python:latest", "python@sha256:abc", ""])
def test_a_base_image_without_a_digest_is_refused_before_anything_is_made(
    publisher: ModuleType, ecr: Any, tmp_path: Path, base: str
) -> None:
    engine = Engine(tmp_path)
    with pytest.raises(publisher.CannotPublishError, match="has no digest"):
        publisher.publish(ecr, "vibewire-relay", str(engine.program), [f"BASE_IMAGE={base}"])
    assert engine.calls == []
    assert ecr.describe_repositories()["repositories"] == []


def test_the_current_digest_of_the_base_image_is_written_into_the_containerfile(
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


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--build-only"], {}, "No container engine: none of docker, podman is installed and answers."),
        (["--build-only", "--engine=nerdctl"], {}, "No container engine: none of nerdctl is installed and answers."),
        ([], {}, "You must specify a region."),
        ([], {"AWS_DEFAULT_REGION": "us-east-1"}, "Unable to locate credentials"),
    ],
)
def test_a_missing_prerequisite_is_reported_in_one_line(
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

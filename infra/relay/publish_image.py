"""Builds the relay's image, pushes it to ECR and prints its address for `sam deploy`: `make relay-image`.

Needs a container engine (docker or podman) and, but for --build-only, the AWS credentials of the account to deploy to.
The image's tag is the digest of its sources, that of its base image among them: what was pushed before is not built
again, unless --force asks for it. --update-base only writes the digest that the base image has today into the
Containerfile.
"""

import argparse
import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from ecr_repository import ensure_repository, find_digest

ROOT = Path(__file__).parents[2]
CONTAINERFILE = "infra/relay/Containerfile"
# What the Containerfile copies.
SOURCES = ("requirements/relay.txt", "backend/__init__.py", "backend/relay", "shared")

_BASE_ARGUMENT = re.compile(r"^ARG BASE_IMAGE=(\S+)$", re.MULTILINE)
_PINNED = re.compile(r"(?P<tag>[^\s@]+)@sha256:[0-9a-f]{64}")


class CannotPublishError(Exception):
    """The message says why, and what to do."""


def source_files() -> Iterator[Path]:
    """The files of the image and its recipe, relative to the repository's root, in order."""
    for source in (CONTAINERFILE, *SOURCES):
        path = ROOT / source
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        yield from (file.relative_to(ROOT) for file in found)


def base_image(build_arguments: Sequence[str] = ()) -> str:
    """The base image, which must have a digest: the Containerfile's, or another by a build argument.

    Raises CannotPublishError for one that is only a name: it would be another image tomorrow, under the same tag.
    """
    given = [one.partition("=")[2] for one in build_arguments if one.startswith("BASE_IMAGE=")]
    found = given or _BASE_ARGUMENT.findall((ROOT / CONTAINERFILE).read_text())
    base: str = found[-1] if found else ""
    if not _PINNED.fullmatch(base):
        raise CannotPublishError(
            f"The base image {base!r} has no digest: name it as image:tag@sha256:... "
            "(`make relay-image UPDATE_BASE=1` writes the Containerfile's)."
        )
    return base


def source_digest(build_arguments: Sequence[str] = ()) -> str:
    """A digest of everything that is put into the image, its base included. Raises CannotPublishError."""
    digest = hashlib.sha256(base_image(build_arguments).encode())
    for file in source_files():
        content = (ROOT / file).read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def copy_sources(folder: Path) -> None:
    """Put the build's context into a folder: the recipe and what it copies, and nothing else."""
    for file in source_files():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target)


def find_engine(wanted: str | None) -> str:
    """The container engine to use: the wanted one, else the first that answers. Raises CannotPublishError."""
    names = (wanted,) if wanted else ("docker", "podman")
    for name in names:
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return name
    raise CannotPublishError(
        f"No container engine: none of {', '.join(names)} is installed and answers. Start Docker or install podman."
    )


def run_engine(*arguments: str, stdin: str | None = None) -> None:
    """Run the engine; what it says goes to standard error. Raises CannotPublishError."""
    done = subprocess.run(arguments, input=stdin, stdout=sys.stderr, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotPublishError(f"{' '.join(arguments[:2])} failed with {done.returncode}; see above.")


def build_image(engine: str, image: str, build_arguments: list[str]) -> None:
    """Build the image for Fargate's x86_64 from a context of its own."""
    with tempfile.TemporaryDirectory() as name:
        copy_sources(Path(name))
        given = [part for argument in build_arguments for part in ("--build-arg", argument)]
        run_engine(
            engine, "build", "--platform=linux/amd64", f"--file={name}/{CONTAINERFILE}", f"--tag={image}", *given, name
        )


def publish(
    ecr: Any, repository: str, engine: str | None, build_arguments: list[str], *, is_forced: bool = False
) -> str:
    """Build and push, unless that was done before and is not forced. Returns the image's address with its digest."""
    tag = source_digest(build_arguments)
    address = ensure_repository(ecr, repository)
    digest = None if is_forced else find_digest(ecr, repository, tag)
    if is_forced:
        # A tag is never pushed twice.
        tag = f"{tag}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    if digest is None:
        engine = find_engine(engine)
        image = f"{address}:{tag}"
        build_image(engine, image, build_arguments)
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, password = base64.b64decode(token).decode().split(":", 1)
        run_engine(engine, "login", f"--username={user}", "--password-stdin", address.split("/")[0], stdin=password)
        run_engine(engine, "push", image)
        digest = find_digest(ecr, repository, tag)
    if digest is None:
        raise CannotPublishError(f"The image was pushed, but {repository} has none with the tag {tag}.")
    return f"{address}@{digest}"


def update_base(engine: str) -> str:
    """Write the digest that the base image's tag has today into the Containerfile. Returns the base image."""
    tag = base_image().partition("@")[0]
    run_engine(engine, "pull", "--quiet", "--platform=linux/amd64", tag)
    inspected = subprocess.run(  # noqa: S603
        [engine, "image", "inspect", "--format={{json .RepoDigests}}", tag], capture_output=True, text=True, check=False
    )
    digests = re.findall(r"@(sha256:[0-9a-f]{64})", inspected.stdout)
    if not digests:
        printed = inspected.stderr.strip() or inspected.stdout
        raise CannotPublishError(f"{engine} does not print the digest of {tag}: {printed}")
    base = f"{tag}@{digests[0]}"
    file = ROOT / CONTAINERFILE
    file.write_text(_BASE_ARGUMENT.sub(f"ARG BASE_IMAGE={base}", file.read_text()))
    return base


def check(repository: str, engine: str | None) -> str:
    """What would be built, and with what: nothing is built. Without an engine it says that the target is skipped."""
    image = f"{repository}:{source_digest()}"
    try:
        return f"{image} ({find_engine(engine)} would build it)"
    except CannotPublishError as error:
        return f"relay-image was SKIPPED: {image} is not built. {error}"


def main() -> int:
    """Runs the command line. Returns the exit status; an error is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", default="vibewire-relay", help="the name of the ECR repository")
    parser.add_argument("--engine", help="docker or podman; by default the first that answers")
    parser.add_argument("--build-arg", action="append", default=[], help="NAME=VALUE for the Containerfile")
    parser.add_argument("--build-only", action="store_true", help="build, and print the local image's name")
    parser.add_argument("--check", action="store_true", help="say what would be built, and build nothing")
    parser.add_argument("--force", action="store_true", help="build and push though these sources were pushed before")
    parser.add_argument("--update-base", action="store_true", help="only pin the base image to its digest of today")
    given = parser.parse_args()
    try:
        if given.update_base:
            image = update_base(find_engine(given.engine))
        elif given.check:
            image = check(given.repository, given.engine)
        elif given.build_only:
            image = f"{given.repository}:{source_digest(given.build_arg)}"
            build_image(find_engine(given.engine), image, given.build_arg)
        else:
            image = publish(boto3.client("ecr"), given.repository, given.engine, given.build_arg, is_forced=given.force)
    except (CannotPublishError, BotoCoreError, ClientError) as error:
        # botocore's messages about a missing region or credentials are clear.
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{image}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

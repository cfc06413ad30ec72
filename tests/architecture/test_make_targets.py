"""No target of `make help` can be broken on main: .ci/run runs each, some in their short form."""

import re
import subprocess

from tests.server_process import ROOT

# Three interactive ones; tests/targets runs them.
_RUN_BY_TEST_TARGETS = {"run", "watch", "chat"}


def targets_of_help() -> list[str]:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  make (\S+)", printed, flags=re.MULTILINE)


def targets_of_ci() -> set[str]:
    script = (ROOT / ".ci" / "run").read_text()
    commands = re.findall(r"^\s*make +(.*)$", script, flags=re.MULTILINE)
    return {word for command in commands for word in command.split() if re.fullmatch(r"[a-z-]+", word)}


def test_help_lists_every_target_that_is_described() -> None:
    described = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert sorted(targets_of_help()) == sorted(described)


def test_ci_runs_every_target_of_help() -> None:
    assert set(targets_of_help()) - targets_of_ci() - _RUN_BY_TEST_TARGETS == set()


def test_ci_names_only_existing_targets() -> None:
    assert targets_of_ci() - set(targets_of_help()) == set()


def test_the_hosted_workflow_runs_every_part_of_ci() -> None:
    parts = re.search(r"^parts=\((.*)\)$", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    jobs = re.search(r"part: \[(.*)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert parts
    assert jobs
    assert parts[1].split() == jobs[1].split(", ")


def test_ci_refuses_a_part_that_it_does_not_have() -> None:
    done = subprocess.run([".ci/run", "chekc"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "No part chekc" in done.stderr


def test_every_target_is_phony() -> None:
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(targets_of_help()) - {name for line in declared for name in line.split()} == set()

"""Whatever a project's source is, reading it ends: with what it says, or with a refusal."""

import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import node_source, read_workflow
from tests.domain.hostile_sources import HOSTILE

ROOT = Path(__file__).parents[2]

# Reads each source twice, the second time in a thread, whose stack is smaller; prints how each call ended.
READER = """
import json, sys, threading
from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import node_source, read_workflow

def read(code, ends):
    for call in (read_workflow, lambda code: node_source(code, "x")):
        try:
            call(code)
            ends.append("returned")
        except InvalidSourceError as error:
            str(error).encode()
            ends.append("refused")

for name, code in json.load(sys.stdin).items():
    ends = []
    read(code, ends)
    thread = threading.Thread(target=read, args=(code, ends))
    thread.start()
    thread.join()
    print(json.dumps([name, ends]), flush=True)
"""


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By source: how the calls ended. A source that ends the process is missing, and all that follow it."""
    folder = tmp_path_factory.mktemp("hostile")
    canary = folder / "canary"
    canary.touch()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER],
        input=json.dumps(HOSTILE),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert canary.exists(), "a source was executed"
    assert done.stderr == "", done.stderr[-2_000:]
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_process_survives_a_hostile_source(endings: dict[str, list[str]], name: str) -> None:
    assert len(endings[name]) == 4
    assert len(set(endings[name])) == 1


def test_threads_read_at_the_same_time() -> None:
    filters = list(warnings.filters)
    found: list[int] = []
    code = r"x = Agent(tools=['\d'])" + "\n"
    threads = [
        threading.Thread(target=lambda: found.extend(len(read_workflow(code).nodes) for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 160
    assert list(warnings.filters) == filters


PIECES = st.sampled_from(
    [
        "x",
        " = ",
        "Agent",
        "(",
        ")",
        "[",
        "]",
        "handoffs",
        "tools",
        ".",
        ",",
        "\n",
        "    ",
        "if 1:",
        "clone",
        "+=",
        "*",
        "def f():",
    ]
)
CODES = st.text() | st.lists(PIECES, max_size=30).map("".join)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(code=CODES)
def test_any_text_is_read_or_refused(code: str) -> None:
    try:
        found = read_workflow(code).nodes
    except InvalidSourceError as error:
        str(error).encode()
        return
    for node in found:
        assert node_source(code, node.name) is not None

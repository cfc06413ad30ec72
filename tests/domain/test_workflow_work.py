"""Reading a workflow takes a bounded amount of work, also for hostile sources."""

import pytest

from backend.app.domain.projects.source import parse_source
from backend.app.domain.projects.workflow import expressions as workflow_expressions
from backend.app.domain.projects.workflow.reader import WorkflowReader
from tests.domain.workflow_edges import HEAD, UNKNOWN, edges


@pytest.mark.parametrize("block", ["if 1:", "for one in [a]:", "while 1:", "with lock:", "class C:", "try:"])
def test_code_as_deep_as_python_allows_is_read_on_a_deep_stack(block: str) -> None:
    """The caller's own stack already has 300 calls."""
    levels = "".join(" " * level + block + "\n" for level in range(98))
    ends = "".join(" " * level + "finally: pass\n" for level in reversed(range(98))) if block == "try:" else ""
    code = f"{levels}{' ' * 98}x = Agent(handoffs={'list(' * 20}[a]{')' * 20})\n{ends}"

    def call(depth: int) -> str:
        return edges(code) if depth == 0 else call(depth - 1)

    assert call(300) == "a"


def _steps(code: str) -> int:
    reader = WorkflowReader()
    reader.read(parse_source(HEAD + code))
    return reader.steps


@pytest.mark.parametrize("calls", ["q" + ".add(1)" * 40, "q.add(" * 40 + "1" + ")" * 40], ids=["chain", "nest"])
def test_calls_on_calls_are_read_once(calls: str) -> None:
    assert _steps(calls) < 1_000
    assert edges(f"{calls}\nx = Agent(handoffs=[a])") == "a"


@pytest.mark.parametrize("depth", [6, 40])
def test_loops_in_loops_end_at_a_bound_of_steps(depth: int) -> None:
    loops = "".join(" " * level + f"for v{level} in L:\n" for level in range(depth))
    code = f"L = [{'a, ' * 50}]\nx = Agent(handoffs=[b])\n{loops}{' ' * depth}x.handoffs.append(v0)\n"
    assert _steps(code) <= workflow_expressions.MAX_STEPS + 1_000
    assert edges(code).endswith(UNKNOWN)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "if 1:\n x = Agent()\n",
            "x.tools += [a]\n",
            "if 1:\n x.handoffs = [a]\n",
            "L = L + [a]\n",
            "x = x.clone()\n",
        ),
        *("f(L)\n", "L = [L]\n", "def f(): L.append(a)\n", "f = lambda: L.append(a)\n", "setattr(x, f, L)\n"),
        *("class M(Agent):\n pass\n", "[a for i in L for j in L]\n", "f(lambda: [" + "a, " * 20 + "x.handoffs])\n"),
    ],
)
def test_the_work_grows_no_faster_than_the_source(piece: str) -> None:
    once, twice = (_steps("x = Agent()\nL = []\n" + piece * times) for times in (1_000, 2_000))
    assert twice <= 2 * once

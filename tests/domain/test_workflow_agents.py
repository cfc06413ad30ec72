"""Ordinary and unusual ways to make agents: all are found, and nothing else is."""

import pytest

from backend.app.domain.projects.workflow.workflow import read_workflow
from tests.domain.test_workflow_unfollowed import X
from tests.domain.workflow_edges import edges, nodes


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("class T:\n    inner = Agent()\nx = Agent(handoffs=[T.inner])", "inner"),
        ("class T:\n    class U:\n        inner = Agent()\nx = Agent(handoffs=[handoff(T.U.inner)])", "inner"),
        ("class T:\n    inner = Agent()\nx = T.inner.clone(handoffs=[T.inner])", "inner"),
        ("class T:\n    inner = Agent()\nT.inner = a\nx = Agent(handoffs=[T.inner])", "?"),
        ("class T:\n    L = [a]\n    def add(self): self.L.append(b)\nx = Agent(handoffs=T.L)", "?"),
        ("x = Agent()\nx = x.clone(handoffs=[x])", "?"),
        ("y = Agent()\nx = Agent(handoffs=[y])\ny = Agent()", "?"),
    ],
)
def test_an_edge_leads_to_the_node_that_is_drawn(code: str, expected: str) -> None:
    assert edges(code) == expected


def test_a_change_through_a_class_belongs_to_the_agent_in_it() -> None:
    assert edges("class T:\n    inner = Agent(handoffs=[a])\nT.inner.handoffs.append(b)", "inner") == "a b"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Maker = Agent\nx = Maker(handoffs=[a])", "a"),
        ("Maker = agents.Agent\nx = Maker[int](handoffs=[a])", "a"),
        ("Maker = Agent if fast else Other\nx = Maker(handoffs=[a])", "?"),
        ("import functools\nM = functools.partial(Agent, handoffs=[a])\nx = M()", "a"),
        ("import functools\nM = functools.partial(Agent, handoffs=[a])\nx = M(handoffs=[b])", "b"),
        ("from functools import partial as p\nx = p(Agent, 'name')(handoffs=[a])", "a"),
        ("from functools import partial\nx = partial(Agent, **options)()", "?"),
        ("import dataclasses\ny = Agent(handoffs=[a])\nx = dataclasses.replace(y, name='x')", "a"),
        ("from dataclasses import replace as r\nx = r(a, handoffs=[b])", "b"),
        ("import copy\ny = Agent(handoffs=[a])\nx = copy.copy(y)\ny.handoffs.append(b)", "a b"),
        ("from copy import deepcopy\ny = Agent(handoffs=[a])\nx = deepcopy(y)", "?"),
        ("make = a.clone\nx = make(handoffs=[b])", "b"),
        ("one = a if fast else b\nx = one.clone(handoffs=[c])", "c"),
        ("@cache\ndef make(): return Agent(handoffs=[a])\nx = make()", "?"),
        ("@app.agent('x')\ndef make() -> Agent: ...\nalias = make\nx = alias()", "?"),
    ],
)
def test_an_agent_is_drawn_however_it_is_made(code: str, expected: str) -> None:
    assert edges(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "from mine import replace\nx = replace(a)",
        "copy = print\nx = copy(a)",
        "@function_tool\ndef make() -> Agent: ...\nx = make()",
        "def build(Agent):\n    x = Agent()",
    ],
)
def test_what_only_looks_like_it_makes_no_agent(code: str) -> None:
    assert "x" not in nodes(code)


@pytest.mark.parametrize(
    "code",
    [
        (
            "async def main():\n"
            "    result = await Runner.run(x, 'hi')\n"
            "    print(result.final_output, x.name)\n"
            "asyncio.run(main())"
        ),
        "msgs = []\nmsgs.append('hi')\nresult = Runner.run_sync(x, msgs)\nmsgs += result.to_input_list()",
        "print(x.handoffs, len(x.handoffs), [one.name for one in x.handoffs])\nfor one in x.handoffs: print(one)",
        "setattr(x, 'name', 'X')\nprint(getattr(x, 'name'))",
        "args = parser.parse_args()\nconfig = vars(args)\nif getattr(args, 'verbose', False): print(vars(args))",
        (
            "@function_tool\n"
            "def look(q: str) -> str:\n"
            "    seen.append(q)\n"
            "    return q\n"
            "y = Agent(tools=[look], handoffs=[handoff(x)])"
        ),
        (
            "@input_guardrail\n"
            "async def check(ctx, agent, text):\n"
            "    return Verdict(agent.name)\n"
            "y = x.clone(input_guardrails=[check])"
        ),
        (
            "class App:\n"
            "    def __init__(self, agent):\n"
            "        self.agent = agent\n"
            "        self.tools = []\n"
            "        self.tools.append(1)\n"
            "App(x)"
        ),
        "TEAM = {'x': x}\ndef get(name): return TEAM[name]\ny = Agent(handoffs=list(TEAM.values()))",
        "def show(agent):\n    for one in agent.handoffs: print(one.name)\nshow(x)",
        (
            "def text(ctx, agent): return f'{agent.name}'\n"
            "y = Agent(instructions=text, model_settings=Settings(temperature=0))"
        ),
        "pairs = sorted([x], key=lambda one: one.name)\nmodel.eval()",
        "with trace('t'):\n    results = asyncio.gather(*[Runner.run(one, 'q') for one in (a, x)])",
    ],
)
def test_what_ordinary_code_does_with_an_agent_leaves_it_known(code: str) -> None:
    found = nodes(X + code)
    assert edges(X + code) == "a"
    assert [node.name for node in found.values() if not (node.handoffs_known and node.tools_known)] == []


def test_an_elif_chain_is_read_as_long_as_python_itself_takes_it() -> None:
    code = "from agents import Agent\nif 1:\n x = Agent()\n" + "elif 1:\n x = Agent()\n" * 2_500
    compile(code, "workflow", "exec")
    assert [node.name for node in read_workflow(code).nodes] == ["x"]

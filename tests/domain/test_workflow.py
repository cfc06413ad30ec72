import textwrap
from pathlib import Path

import pytest

from backend.app.domain.projects.workflow.values import MAX_NAMES
from backend.app.domain.projects.workflow.workflow import MAX_NODES, Node, read_workflow

ROOT = Path(__file__).parents[2]
HEAD = "from agents import Agent, WebSearchTool, handoff, function_tool\n"


def find_nodes(code: str) -> tuple[Node, ...]:
    return read_workflow(code).nodes


def nodes(code: str) -> tuple[Node, ...]:
    return find_nodes(HEAD + textwrap.dedent(code))


def names(code: str) -> list[str]:
    return [node.name for node in nodes(code)]


def handoffs(code: str, name: str = "x") -> tuple[str, ...]:
    return next(node.handoffs for node in nodes(code) if node.name == name)


def tools(code: str, name: str = "x") -> tuple[str, ...]:
    return next(node.tools for node in nodes(code) if node.name == name)


def test_a_node_is_named_by_the_variable_it_is_assigned_to() -> None:
    assert nodes('triage = Agent(name="Triage agent")') == (Node("triage", (), ()),)


def test_nodes_come_in_source_order() -> None:
    assert names("b = Agent()\na = Agent()\nc = Agent()") == ["b", "a", "c"]


def test_the_last_assignment_of_a_name_wins() -> None:
    code = "x = Agent(tools=[a])\ny = Agent()\nx = Agent(tools=[b])"
    assert names(code) == ["y", "x"]
    assert tools(code) == ("b",)


def test_an_assignment_of_something_else_leaves_the_node() -> None:
    assert names("try:\n    x = Agent()\nexcept ValueError:\n    x = None") == ["x"]


@pytest.mark.parametrize(
    "code",
    [
        "x = Agent()",
        "from agents import Agent\nx: Agent = Agent()",
        "import agents\nx = agents.Agent()",
        "import agents as ag\nx = ag.Agent[int]()",
        "from agents import Agent as A\nx = A()",
        "from agents import Agent as A\nx = A[Context]()",
        "from agents import *\nx = SandboxAgent()",
        "from agents.realtime import RealtimeAgent\nx = RealtimeAgent()",
        "from agents.realtime import RealtimeAgent as R\nx = R()",
        "from agents import realtime\nx = realtime.RealtimeAgent()",
        "import agents.realtime\nx = agents.realtime.RealtimeAgent()",
        "import agents.realtime as rt\nx = rt.RealtimeAgent()",
        "from agents.sandbox import SandboxAgent\nx = SandboxAgent()",
        "from agents import Agent\nclass Mine(Agent[int]):\n    pass\nx = Mine()",
    ],
)
def test_an_agent_is_known_by_its_class_of_the_sdk(code: str) -> None:
    assert [node.name for node in find_nodes(code)] == ["x"]


@pytest.mark.parametrize(
    "code",
    [
        "x = agent()",
        "from estate import Agent\nx = Agent()",
        "from .agents import Agent\nx = Agent()",
        "from estate import EstateAgent\nx = EstateAgent()",
        "class Agent:\n    pass\nx = Agent()",
        "import estate\nx = estate.Agent()",
        "import agents\nimport estate as agents\nx = agents.Agent()",
        "from agents import Runner\nx = Runner()",
        "from agents import Agent\nx = Agent",
        "from agents import Agent\nx = y.clone()",
        "from agents import Agent\nx.y = Agent()",
        "from agents import Agent\nx: Agent",
        "x = 'Agent()'",
        "# x = Agent()",
        "",
    ],
)
def test_nothing_else_is_an_agent(code: str) -> None:
    assert find_nodes(code) == ()


def test_agents_are_found_in_every_block() -> None:
    code = """
    if fast:
        a = Agent()
    elif slow:
        b = Agent()
    else:
        c = Agent()
    try:
        d = Agent()
    except ValueError:
        e = Agent()
    finally:
        f = Agent()
    def build():
        g = Agent()
        async def inner():
            h = Agent()
    class Flow:
        i = Agent()
    with trace("x"):
        for _ in range(3):
            j = Agent()
    match kind:
        case 1:
            k = Agent()
    l = Agent()
    """
    assert "".join(names(code)) == "abcdefghijkl"


def test_several_targets_name_several_nodes() -> None:
    assert names("a, (b, c) = Agent(), (Agent(), 1)\nd = e = Agent()") == ["a", "b", "d", "e"]


def test_names_are_kept_as_written() -> None:
    code = """
    x = Agent(
        handoffs=[a, handoff(b), handoff(agent=c, input_filter=f), agents.handoff(d), shop.billing],
        tools=[
            f, WebSearchTool(), a.as_tool("A", "does a"), agents.FileSearchTool(max_num_results=3), kit.Hammer(),
            function_tool(g), function_tool(strict_mode=False)(h),
        ],
    )
    """
    code = "import agents\n" + textwrap.dedent(code)
    assert handoffs(code) == ("a", "b", "c", "d", "shop.billing")
    assert tools(code) == ("f", "WebSearchTool", "a", "FileSearchTool", "kit.Hammer", "g", "h")


def test_a_wrapper_may_be_imported_under_another_name() -> None:
    assert handoffs("from agents import handoff as to\nx = Agent(handoffs=[to(b)])") == ("b",)


def test_lists_are_followed_through_variables_and_sums() -> None:
    code = """
    common, more = [a, b], [e]
    y = Agent(tools=[c])
    x = Agent(tools=[*common, d] + y.tools + (more if big else []), handoffs=common)
    """
    assert tools(code) == ("a", "b", "d", "c", "e")
    assert handoffs(code) == ("a", "b")


def test_what_has_no_name_is_left_out() -> None:
    (node,) = nodes("x = Agent(handoffs=[None, 'a', lambda: b, [c for c in d], f'{e}', 3, make()(), handoff(), g])")
    assert (node.handoffs, node.handoffs_known) == (("g",), False)


def test_a_name_is_listed_once() -> None:
    assert tools("x = Agent(tools=[a, b, a])\nx.tools.append(b)") == ("a", "b")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("x.handoffs = [b, c]", ("b", "c")),
        ("x.handoffs: list[Agent] = [b]", ("b",)),
        ("x.handoffs.append(b)", ("a", "b")),
        ("x.handoffs.append(handoff(b))", ("a", "b")),
        ("x.handoffs.insert(0, b)", ("a", "b")),
        ("x.handoffs.extend([b, c])", ("a", "b", "c")),
        ("x.handoffs += [b]", ("a", "b")),
        ("if late:\n    x.handoffs += [b]", ("a", "b")),
        ("x.handoffs.clear()", ()),
        ("if late:\n    x.handoffs.clear()", ("a",)),
        ("x.handoffs.append()", ("a",)),
        ("y.handoffs.append(b)", ("a",)),
        ("x.name.append(b)", ("a",)),
        ("x.handoffs -= [b]", ()),
    ],
)
def test_later_statements_change_the_handoffs_and_the_tools(change: str, expected: tuple[str, ...]) -> None:
    assert handoffs(f"x = Agent(handoffs=[a])\n{change}") == expected
    assert tools(f"x = Agent(tools=[a])\n{change}".replace("handoffs", "tools")) == expected


def test_a_clone_inherits_what_it_is_not_given() -> None:
    code = "y = Agent(handoffs=[a], tools=[b])\nx = y.clone(name='X').clone(tools=[c])\nz = Agent(tools=[d]).clone()"
    assert nodes(code)[1:] == (Node("x", ("a",), ("c",)), Node("z", (), ("d",)))


def test_a_clone_shares_the_lists_that_it_is_not_given() -> None:
    code = "y = Agent(handoffs=[a], tools=[t])\nx = y.clone(tools=[*y.tools])\nx.handoffs.append(b)\nx.tools.append(u)"
    assert nodes(code) == (Node("y", ("a", "b"), ("t",)), Node("x", ("a", "b"), ("t", "u")))


def test_new_handoffs_of_a_clone_leave_the_original() -> None:
    code = "y = Agent(handoffs=[a])\nx = y.clone()\nx.handoffs = [b]"
    assert (handoffs(code, "y"), handoffs(code, "x")) == (("a",), ("b",))


def test_the_result_is_bounded() -> None:
    code = "".join(f"agent_{i} = Agent(tools=[{', '.join(f't{j}' for j in range(60))}])\n" for i in range(300))
    found = nodes(code + "n" * 5_000 + " = Agent()")
    assert len(found) == MAX_NODES
    assert found[-1].name == f"agent_{MAX_NODES - 1}"
    assert [len(node.tools) for node in found][:150] == [MAX_NAMES] * 150
    assert not found[-1].tools_known
    found = nodes("x = Agent(tools=[" + ", ".join(f"t{j}" for j in range(60)) + "])")
    assert len(found[0].tools) == MAX_NAMES
    assert names("n" * 5_000 + " = Agent()") == []
    assert tools("x = Agent(tools=[" + "n" * 5_000 + ", a])") == ("a",)

import ast
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.app.domain.projects.source import InvalidSourceError, parse_source
from backend.app.domain.projects.workflow.values import MAX_NAMES
from backend.app.domain.projects.workflow.workflow import MAX_NODES, Node, node_source, read_workflow

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


def test_the_source_of_a_node_is_its_statement_and_its_later_changes_in_that_block() -> None:
    code = textwrap.dedent(
        """\
        from agents import Agent
        x = Agent(tools=[old])
        def build():
            x = Agent(
                name="X",  # kept
            )
            y = Agent(); x.tools = [a]; x.tools.append(b)
            if y:
                x.handoffs.append(y)
            x.handoffs += [z]
            return x
        """
    )
    lines = code.splitlines()
    assert node_source(code, "x") == "\n".join([*lines[3:7], lines[9]])
    assert node_source(code, "y") == lines[6]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_source_of_a_node_is_found_whatever_ends_the_lines(end: str) -> None:
    code = end.join(["s = '''", "\x0c\u2028\x1c", "'''", "x = Agent(", ")", "x.tools = []", "y = 1"])
    assert node_source(code, "x") == end.join(["x = Agent(", ")", "x.tools = []"])


def test_there_is_no_source_of_an_unknown_node() -> None:
    assert node_source("x = Agent()\ny = 1", "y") is None


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("x = 1\n\nif:", "line 3: invalid syntax", 3),
        ("x = 1\n  y = 2", "line 2: unexpected indent", 2),
        ("x = 1\r\n\0", "line 2: the code holds a null byte", 2),
        ("\n\n'\ud800'", "line 3: the code holds a lone surrogate", 3),
        ("-" * 100_000 + "1", "the code is nested too deeply", None),
        ("a" + "()" * 50_000, "the code is nested too deeply", None),
        ("\nimport a" + ".a" * 1_000, "line 2: a name has more than 200 dots", 2),
        ("\nimport a" + " \\\n . a" * 1_000, "line 2: a name has more than 200 dots", 2),
        ("f'" + "{x}" * 100_000 + "'", "the code has too many braces", None),
        ("#" * 1024 * 1024 + "#", "the code has more than 1048576 characters", None),
        ('f"lambda x="' + "{await 1if " * 5_000 + "#->(", "the code cannot be parsed as Python", None),
    ],
)
@pytest.mark.parametrize("read", [parse_source, find_nodes, lambda code: node_source(code, "x")])
def test_an_invalid_source_is_explained(
    code: str, message: str, line: int | None, read: Callable[[str], object]
) -> None:
    with pytest.raises(InvalidSourceError) as invalid:
        read(code)
    assert str(invalid.value) == message
    assert invalid.value.line == line


def test_the_error_carries_nothing_that_quotes_the_source() -> None:
    with pytest.raises(InvalidSourceError) as invalid:
        parse_source("secret = (")
    assert invalid.value.__context__ is None
    assert invalid.value.__cause__ is None


def test_warnings_of_a_source_are_kept_out_of_the_log() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert isinstance(parse_source(r"x = '\d' 'secret'" + "\ny = 1if 1else 2"), ast.Module)
    assert seen == []


def test_text_with_many_dots_is_no_dotted_name() -> None:
    assert names('x = Agent(instructions="""' + "One. Two three. ..." * 500 + "- 1.5, 2.5, 3.5\n" * 500 + '""")') == [
        "x"
    ]

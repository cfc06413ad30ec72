"""The source of a node, and the errors of sources that are not Python."""

import ast
import textwrap
import warnings
from collections.abc import Callable

import pytest

from backend.app.domain.projects.source import InvalidSourceError, parse_source
from backend.app.domain.projects.workflow.workflow import node_source
from tests.domain.test_workflow import find_nodes, names


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

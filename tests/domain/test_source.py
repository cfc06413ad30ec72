"""What a source may be, and what is said of one that is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from backend.app.domain.projects.source import MAX_LINES, MAX_TOKENS, InvalidSourceError, parse_source
from backend.app.domain.projects.workflow.workflow import node_source, read_workflow

ROOT = Path(__file__).parents[2]
KIB_256 = 256 * 1024

FLOODS = {
    "statements": "a;",
    "numbers": "1,",
    "empty calls": "a();",
    "lists": "[],",
    "lists in lists": "[[[]]],",
    "signs before a name": "--a,",
    "attributes": "a.b;",
    "strings": "'',",
}


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_tokens_is_refused_with_what_to_do(piece: str) -> None:
    with pytest.raises(InvalidSourceError, match=r"more than 120,000 words and signs; remove generated"):
        parse_source(piece * (KIB_256 // len(piece)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "#\n"])
def test_a_flood_of_lines_is_refused_with_what_to_do(end: str) -> None:
    with pytest.raises(InvalidSourceError, match=r"more than 30,000 lines; shorten it"):
        parse_source("x = 1" + end * (MAX_LINES + 1))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_as_many_lines_as_are_allowed_are_read(end: str) -> None:
    assert len(parse_source(f"x = 1{end}" + end * (MAX_LINES - 2) + "y = 2").body) == 2


HONEST = '''
@function_tool
def lookup_{number}(order: str) -> str:
    """Look up an order, and say what became of it; the customer's number is not needed."""
    if not order.startswith("A-"):
        return f"There is no order {{order}} of {{len(order)}} letters."
    return "It is on its way."


agent_{number} = Agent(
    name="Agent {number}",
    instructions="Answer questions about orders. Be friendly, and say what you do not know.",
    tools=[lookup_{number}],
)
'''
PROSE = "# Die Kundin fragt: „Wo ist mein Päckchen?“ Antworte freundlich … 请用中文回答客户的问题，并保持礼貌。\n"  # noqa: RUF001
VECTORS = "    [0.1234, -0.5678, 0.9012, -0.3456, 0.7890],\n"


@pytest.mark.parametrize("piece", [HONEST, PROSE, VECTORS], ids=["agents", "prose", "vectors"])
def test_an_honest_source_of_256_kib_is_read(piece: str) -> None:
    body = "".join(piece.replace("{number}", str(number)) for number in range(KIB_256 // len(piece.encode())))
    tree = parse_source(f"x = [\n{body}]\n" if piece is VECTORS else body)
    assert bool(tree.body) is (piece is not PROSE)


def test_a_byte_order_mark_at_the_head_is_no_part_of_the_code() -> None:
    code = "\ufeffx = Agent(tools=[a])\nx.tools.append(b)\n"
    (node,) = read_workflow(code).nodes
    assert (node.name, node.tools) == ("x", ("a", "b"))
    assert node_source(code, "x") == code.strip()


@pytest.mark.parametrize("code", ["\ufeff\ufeffx = 1\n", "y = 1\n\ufeffx = 1\n"])
def test_a_byte_order_mark_anywhere_else_is_refused_by_its_name(code: str) -> None:
    with pytest.raises(InvalidSourceError, match=r"U\+FEFF"):
        parse_source(code)


@pytest.mark.parametrize("code", ["\ufeff", "\ufeff\n", ""])
def test_a_source_of_nothing_but_a_byte_order_mark_is_empty(code: str) -> None:
    assert parse_source(code).body == []


# An honest source in a process that has little memory left, and one that is nested too deeply in one that has enough.
LITTLE_MEMORY = """
import resource, sys
from backend.app.domain.projects.source import InvalidSourceError, parse_source
deep = "x=" + "-" * 20_000 + "1"
large = "x = [1, 2, 3, 4]\\n" * 10_000
try:
    parse_source(deep)
except InvalidSourceError as error:
    print(error)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 8 * 1024 * 1024,) * 2)
try:
    parse_source(large)
except MemoryError:
    print("out of memory")
"""


def test_too_little_memory_is_not_called_nested_too_deeply() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["the code is nested too deeply", "out of memory"]


def test_the_limits_are_what_their_messages_say() -> None:
    assert (MAX_TOKENS, MAX_LINES) == (120_000, 30_000)

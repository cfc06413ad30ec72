"""The edges of the workflow are correct, or left out and the node marked as incomplete."""

import pytest

from tests.domain.workflow_edges import edges, nodes, tools


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("to_a = handoff(a)\nx = Agent(handoffs=[to_a])", "a"),
        ("to_a = handoff(agent=a)\nx = Agent(handoffs=[to_a])", "a"),
        ("to_a = agents.handoff(a, tool_name_override='t')\nx = Agent(handoffs=[to_a, to(b, input_filter=f)])", "a b"),
        ("h = agents.handoff\nto_a = h(a)\nx = Agent(handoffs=[to_a])", "a"),
        ("to_a = handoff(a) if fast else handoff(b)\nx = Agent(handoffs=[to_a])", "a b"),
        ("both = [handoff(one, on_handoff=log) for one in (a, b)]\nx = Agent(handoffs=both)", "a b"),
        ("to_a, to_b = handoff(a), handoff(b)\nx = Agent()\nx.handoffs += [to_b]", "b"),
        ("x = Agent()\nx.handoffs.append(to_a := handoff(a))", "a"),
        ("to_x = handoff(Agent(name='no variable'))\nx = Agent(handoffs=[to_x])", "?"),
        ("from mine import handoff\nto_a = handoff(a)\nx = Agent(handoffs=[to_a])", "?"),
        ("def to(agent):\n    return handoff(agent)\nto_a = to(a)\nx = Agent(handoffs=[to_a, to(b)])", "?"),
    ],
)
def test_a_handoff_leads_to_its_agent(code: str, expected: str) -> None:
    assert edges(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = Agent(handoffs=list([a]))", "a"),
        ("x = Agent(handoffs=tuple([a, b]))", "a b"),
        ("x = Agent(handoffs=sorted([b, a], key=by_name))", "b a"),
        ("both = [a] + [b]\nx = Agent(handoffs=both)", "a b"),
        ("one, two = [a], [b, c]\nx = Agent(handoffs=[*one, *two])", "a b c"),
        ("L = [a]\nL.append(b)\nx = Agent(handoffs=L)\nL.append(c)", "a b c"),
        ("L = [a]\nL += [b]\nx = Agent(handoffs=L.copy())\nL += [c]", "a b"),
        ("L = [a, b]\nL.remove(a)\nx = Agent(handoffs=L)", "b"),
        ("L = [a]\nx = Agent(handoffs=L)\nL = [b]", "a"),
        ("x = Agent(handoffs=[a, b])\nx.handoffs.remove(a)", "b"),
        ("x = Agent(handoffs=[a, b])\nif late:\n    x.handoffs.remove(a)", "a b"),
        ("x = Agent(handoffs=[a])\nx.handoffs = [b]", "b"),
        ("x = Agent(handoffs=[a])\nif late:\n    x.handoffs = [b]", "a b"),
        ("x = Agent(handoffs=[a])\nx.handoffs, y = [b], 1", "b"),
        ("x = Agent(handoffs=[a])\nx.handoffs = x.handoffs + [b]", "a b"),
        ("x = Agent(handoffs=[a])\nx.handoffs.extend(one for one in [b, c])", "a b c"),
        ("x = Agent(handoffs=[a])\nfor one in (b, c):\n    x.handoffs.append(one)", "a b c"),
        ("for one, other in [(a, b), (b, c)]:\n    one.handoffs = [other]\nx = a.clone()", "b"),
        (
            "x, y = Agent(), None\nfor one in [x, b]:\n    if y:\n        y.handoffs.append(one)\n    y = one",
            "b",
        ),
        ("x = Agent(handoffs=[a])\n[x.handoffs.append(one) for one in (b, c)]", "a b c"),
        ("x = Agent(handoffs=[a])\nlate and x.handoffs.append(b)\n_ = x.handoffs.append(c)", "a b c"),
        ("x = Agent(handoffs=[a])\nx.handoffs.clear() if late else None", "a"),
        ("x = Agent(handoffs=[a])\ny = x\ny.handoffs.append(b)", "a b"),
        ("if (x := Agent(handoffs=[a])).name:\n    pass", "a"),
        ("x = Agent(handoffs=[a])\nassert x.handoffs.append(b) is None", "a b"),
        ("x = Agent(handoffs=[a])\nwhile not x.handoffs.append(b):\n    break", "a b"),
        ("x = Agent(handoffs=[a])\nmatch x.handoffs.append(b):\n    case _:\n        pass", "a b"),
        ("x = Agent(handoffs=[a])\nf'{x.handoffs.append(b)}'", "a b"),
        ("x = Agent(handoffs=[a])\ndef later(y=x.handoffs.append(b)):\n    pass", "a b"),
        ("x = Agent(handoffs=[a])\nwith lock:\n    x.handoffs = [b]", "b"),
        ("table = {'a': a, 'b': b}\nx = Agent(handoffs=[table['b']])", "b"),
        ("table = {'a': a, 'b': b}\nx = Agent(handoffs=list(table.values()))", "a b"),
        ("def later():\n    x.handoffs.append(c)\nx = Agent(handoffs=[a])", "a c"),
        ("x = Agent(handoffs=[a] if fast else [])", "a"),
        (
            "if fast:\n    x = Agent(handoffs=[a])\nelif slow:\n    x = Agent(handoffs=[b])\nelse:\n    x = c.clone()",
            "a b",
        ),
        ("L = [a]\nif fast:\n    L = [b]\n    x = Agent(handoffs=L)", "b"),
        ("L = [a]\nif fast:\n    L = [b]\nx = Agent(handoffs=L)", "a b"),
        ("def make(name):\n    return Agent(name=name)\nd = make('D')\nx = Agent(handoffs=[d])", "d"),
        (
            "try:\n    from shop import sales\nexcept ImportError:\n    sales = None\nx = Agent(handoffs=[sales])",
            "sales",
        ),
    ],
)
def test_lists_are_followed_through_whatever_changes_them(code: str, expected: str) -> None:
    assert edges(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = Agent(handoffs=find_agents())", "?"),
        ("x = Agent(handoffs=imported)", "?"),
        ("x = Agent(handoffs=[*imported, a])", "a ?"),
        ("L = find_agents()\nx = Agent(handoffs=[a] + L)", "a ?"),
        ("x = Agent(handoffs=[make()])", "?"),
        ("x = Agent(handoffs=[Agent(name='no variable')])", "?"),
        ("x = Agent(handoffs=table['a'])", "?"),
        ("x = Agent(handoffs=[one for one in [a, b] if one.name])", "?"),
        ("x = Agent(handoffs=[one for one in imported])", "?"),
        ("x = Agent(handoffs=list(map(handoff, [a, b])))", "?"),
        ("x = Agent(handoffs=[a, b][:1])", "?"),
        ("x = Agent(handoffs=[a, b])\nx.handoffs.pop()", "?"),
        ("x = Agent(handoffs=[a, b])\nx.handoffs[0] = c", "?"),
        ("x = Agent(handoffs=[a, b])\ndel x.handoffs[0]", "?"),
        ("x = Agent(handoffs=[a, b])\nx.handoffs.remove(which())", "?"),
        ("x = Agent(handoffs=[a])\nsetattr(x, 'handoffs', [b])", "?"),
        ("L = []\nfill(L)\nx = Agent(handoffs=L)", "?"),
        ("x = Agent(handoffs=[a])\nadd = x.handoffs.append\nadd(b)", "a ?"),
        ("x = Agent(handoffs=[a])\nlist(map(x.handoffs.append, [b, c]))", "a ?"),
        ("with closing(x := Agent(handoffs=[a])), lock(x.handoffs):\n    pass", "a ?"),
        ("x = Agent(handoffs=[a])\n@wired(x.handoffs)\ndef later():\n    pass", "a ?"),
        ("table = {'a': a}\nfill(table)\nx = Agent(handoffs=[table['a']])", "?"),
        ("table = {'a': a}\ntable.setdefault('b', b)\nx = Agent(handoffs=list(table.values()))", "?"),
        ("x = Agent()\nfor one in imported:\n    x.handoffs.append(one)", "?"),
        (
            "x = Agent(handoffs=[a])\nfor one in [b, c]:\n    if one.name:\n        break\n    x.handoffs.append(one)",
            "a ?",
        ),
        ("def build(one):\n    x = Agent(handoffs=[one, a])\n    return x", "a ?"),
        ("def wire(one, other):\n    one.handoffs.append(other)\nx = Agent(handoffs=[a])\nwire(x, b)", "a ?"),
        ("with open(path) as one:\n    x = Agent(handoffs=[one])", "?"),
        ("match imported:\n    case [one]:\n        x = Agent(handoffs=[one])", "?"),
        ("x = Agent(**options)", "?"),
        ("x = Agent('X', None, [a], [], {}, None, None, [b])", "?"),
        ("x = a.clone(**options)", "?"),
        ("def make():\n    return Agent(handoffs=[a])\nx = make()", "?"),
        ("x = Agent()\n" + "if 1:\n    x = Agent(handoffs=[a])\n" * 20, "?"),
    ],
)
def test_what_cannot_be_followed_is_left_out_and_said(code: str, expected: str) -> None:
    assert edges(code) == expected


def test_the_same_goes_for_tools() -> None:
    code = """
    ask_a = a.as_tool("ask_a", "asks a")
    search = WebSearchTool()
    x = Agent(tools=[ask_a, search, function_tool(add)])
    y = Agent(tools=[*load_tools(), search])
    """
    assert tools(code, "x") == "a search add"
    assert tools(code, "y") == "search ?"


def test_a_handoff_a_tool_or_another_variable_of_an_agent_is_no_node() -> None:
    code = "to_a = handoff(a)\nask_a = a.as_tool('t', 'd')\nalias = a\nx = Agent(handoffs=[alias])"
    assert list(nodes(code)) == ["a", "b", "c", "x"]
    assert edges(code) == "a"

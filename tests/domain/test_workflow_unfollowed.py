"""Ways to make and change agents that a list of common statements would miss: drawn right, or said to be not known."""

import pytest

from tests.domain.workflow_edges import edges, tools

X = "x = Agent(handoffs=[a])\n"


@pytest.mark.parametrize(
    "body",
    [
        "    handoffs = [b]",
        "    tools: list = field(default_factory=list)",
        "    def __init__(self): super().__init__(handoffs=[b])",
        "    def __post_init__(self): self.handoffs.append(b)",
        "    def __new__(cls, **given): return build(cls)",
        "    def __getattribute__(self, name): return []",
        "    def wire(self): self.handoffs.append(b)",
        "    def wire(self): setattr(self, 'handoffs', [b])",
        "    def wire(self): vars(self)[key] = [b]",
        "    @property\n    def handoffs(self): return [b]",
    ],
)
@pytest.mark.parametrize("bases", ["Agent", "Agent[int]", "agents.Agent"])
def test_a_class_that_touches_its_lists_has_agents_of_which_nothing_is_known(bases: str, body: str) -> None:
    code = (
        f"class Mine({bases}):\n{body}\nclass Other(Mine):\n    pass\nx = Mine(handoffs=[a])\ny = Other(handoffs=[a])"
    )
    assert edges(code, "x") == edges(code, "y") == "?"
    assert tools(code, "x") == "?"


@pytest.mark.parametrize(
    "head", ["class Mine(Mixin, Agent)", "class Mine(Agent, metaclass=M)", "@w\nclass Mine(Agent)"]
)
def test_so_has_a_class_that_others_change(head: str) -> None:
    assert edges(f"{head}:\n    pass\nx = Mine(handoffs=[a])") == "?"


@pytest.mark.parametrize(
    "body", ["pass", "'what it is'", "extra: int = 0", "def hello(self): return self.name", "def __repr__(self): ..."]
)
@pytest.mark.parametrize("head", ["class Mine(Agent)", "@dataclass\nclass Mine(Agent, Generic[T])"])
def test_agents_of_a_class_that_leaves_its_lists_alone_are_known(head: str, body: str) -> None:
    assert edges(f"{head}:\n    {body}\nx = Mine(handoffs=[a])") == "a"


@pytest.mark.parametrize(
    "change",
    [
        "setattr(x, 'handoffs', [b])",
        "setattr(x, key, [b])",
        "delattr(x, 'handoffs')",
        "vars(x)['handoffs'].append(b)",
        "vars(x)['handoffs'] = [b]",
        "x.__dict__['handoffs'] = [b]",
        "x.__dict__.update(handoffs=[b])",
        "x.__setattr__('handoffs', [b])",
        "object.__setattr__(x, 'handoffs', [b])",
        "getattr(x, key).append(b)",
        "put = setattr\nput(x, 'handoffs', [b])",
        "put = x.__setattr__\nput('handoffs', [b])",
        "def later(*, p=setattr(x, 'handoffs', [b])): pass",
        "wire = lambda: setattr(x, 'handoffs', [b])\nwire()",
        "def wire(): vars(x)['handoffs'] = [b]\nwire()",
        "x.handoffs *= 2",
        "x.handoffs[:] = [b]",
        "same = x.handoffs\ndel same[:]",
    ],
)
def test_what_is_reached_by_a_name_at_run_time_is_not_known(change: str) -> None:
    assert edges(X + change) == "?"


@pytest.mark.parametrize(
    "change",
    [
        "def wire(y): setattr(y, 'handoffs', [b])\nwire(x)",
        "def wire(y): getattr(y, 'handoffs').append(b)\nwire(x)",
        "def wire(y): vars(y)['handoffs'].append(b)\nwire(x)",
        "def wire(y): y.__dict__.update(handoffs=[b])\nwire(x)",
        "def wire(y):\n    same = y.handoffs\n    same.append(b)\nwire(x)",
        "def wire(y): fill(y.handoffs)\nwire(x)",
        "def wire(y): y.handoffs += [b]\nwire(x)",
        "wire = lambda y: y.handoffs.append(b)\nwire(x)",
        "for y in find(x):\n    same = y.handoffs\n    same[0] = b",
        "y = find(x)\nadd = y.handoffs.append\nadd(b)",
        "[y.handoffs.append(b) for some in find(x) for y in some]",
        "{y.name: y.handoffs.append(b) for y in find(x)}",
        "list(map(setattr, [x], ['handoffs'], [[b]]))",
        "from functools import partial\nput = partial(setattr, x, 'handoffs')\nput([b])",
        "from functools import partial\nadd = partial(x.handoffs.append, b)\nadd()",
        "from operator import attrgetter\nlist_of = attrgetter('handoffs')\nlist_of(x).append(b)",
        "exec('x.handoffs.append(b)')",
        "globals()['x'].handoffs.append(b)",
        "holder.items = x.handoffs",
        "table[0] = x.handoffs",
        "def get(): return x.handoffs\nget().append(b)",
        "def add(to=x.handoffs): to.append(b)\nadd()",
        "match x.handoffs:\n    case some: some.append(b)",
        "list.append(x.handoffs, b)",
        "x.handoffs.__init__([b])",
        "f(" * 40 + "x.handoffs.append(b)" + ")" * 40,
        "[x.handoffs.append(one) for one in imported if one]",
    ],
)
def test_a_list_that_escapes_is_no_longer_complete(change: str) -> None:
    assert edges(X + change) == "a ?"


@pytest.mark.parametrize(
    "change",
    [
        "getattr(x, 'handoffs').append(b)",
        "add = lambda: x.handoffs.append(b)\nadd()",
        "(lambda: x.handoffs.append(b))()",
        "late = lambda p=x.handoffs.append(b): p",
        "{1: x.handoffs.append(one) for one in [b]}",
        "{x.handoffs.append(b): 1 for one in imported}",
        "{x.handoffs.append(one) for one in (b,)}",
        "[x.handoffs.append(one) for one in [b] if one.name]",
        "[1 for one in [b] if x.handoffs.append(one)]",
        "[x.handoffs.append(one) for turn in (1, 2) for one in [b]]",
        "any(x.handoffs.append(one) for one in [b] if one)",
        "class Later(Base, key=x.handoffs.append(b)): pass",
        "@wired(x.handoffs.append(b))\nclass Later: pass",
        "@wired(x.handoffs.append(b))\ndef later(): pass",
        "def later(*, p=x.handoffs.append(b)): pass",
        "if late: pass\nelif x.handoffs.append(b): pass",
        "match late:\n    case 1 if x.handoffs.append(b): pass",
        "1 if x.handoffs.append(b) else 2",
        "print(1 - x.handoffs.append(b))",
        "table[x.handoffs.append(b)]",
        "y = Agent(name=x.handoffs.append(b))",
        "y = Agent(handoffs=[handoff(b, on_handoff=lambda _: x.handoffs.append(b))])",
        "{x.handoffs.append(b): 1}",
    ],
)
def test_a_change_is_followed_wherever_it_stands(change: str) -> None:
    assert edges(X + change) == "a b"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def add(): L.append(b)\nadd()\nx = Agent(handoffs=L)", "a b"),
        ("def add(): L.append(b)\nadd()\nx = Agent(handoffs=[*L])", "a ?"),
        ("def add(): L.append(b)\nadd()\nx = Agent(handoffs=L + [c])", "a c ?"),
        ("def add(): L.append(b)\nadd()\nx = Agent()\nfor one in L: x.handoffs.append(one)", "?"),
        ("def add(): L[0] = b\nadd()\nx = Agent(handoffs=list(L))", "a ?"),
        ("def add():\n    same = L\n    same.append(b)\nadd()\nx = Agent(handoffs=tuple(L))", "a ?"),
        ("def add():\n    global L\n    L = [b]\nadd()\nx = Agent(handoffs=L)", "?"),
        ("def add():\n    fill(L)\nadd()\nx = Agent(handoffs=[L[0]])", "?"),
        ("add = lambda: L.append(b)\nadd()\nx = Agent(handoffs=L.copy())", "a ?"),
        ("g = {'k': L}\ng[key].append(b)\nx = Agent(handoffs=g['k'])", "a ?"),
        ("def get(): return L\nget().append(b)\nx = Agent(handoffs=L)", "a ?"),
    ],
)
def test_a_list_that_a_function_changes_is_not_known_where_it_was_read(code: str, expected: str) -> None:
    assert edges("L = [a]\n" + code) == expected

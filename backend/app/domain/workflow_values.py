"""What the reader knows of the values in a source: agents, lists of them, names, choices, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.app.domain.node_name import is_node_name

PARTS = ("handoffs", "tools")
# Of one list: more names tell the reader of a drawing nothing.
MAX_NAMES = 50
_MAX_ITEMS = 2 * MAX_NAMES
MAX_OPTIONS = 8

# The conditions under which a statement runs, as a path of branches: it is certain within them alone.
Guard = tuple[int, ...]


class Unknown:
    """A value of which nothing is known."""


class Nothing:
    """None."""


UNKNOWN = Unknown()
NOTHING = Nothing()


@dataclass(frozen=True)
class Named:
    """A value that is known by a name alone.

    Attributes:
        name: as written, without the SDK's module.
        is_made: whether some call returned it: a tool maybe, or a handoff, and nobody knows to whom.
    """

    name: str
    is_made: bool = False


@dataclass(eq=False)
class ListValue:
    """A list that agents and variables may share, as Python's do.

    Attributes:
        guard: where it was made.
        items: what is in it for certain, or on some way through the code.
        known: whether that is all.
    """

    guard: Guard
    items: list["Value"] = field(default_factory=list)
    known: bool = True

    def add(self, items: Iterable["Value"]) -> None:
        """Add items; where they are too many, it is no longer known whole."""
        for item in items:
            if len(self.items) >= _MAX_ITEMS:
                self.known = False
                return
            self.items.append(item)

    def forget(self) -> None:
        """Let go of what was in it: something was done to it that cannot be followed."""
        self.items = []
        self.known = False


@dataclass(eq=False)
class DictValue:
    """A dict with constant keys; empty and not `known` once something was done to it that cannot be followed."""

    items: dict[object, "Value"]
    known: bool = True


@dataclass(eq=False)
class Draft:
    """An agent: its variable, its lists, and the statements that make it.

    Attributes:
        name: the variable it was first assigned to; None until then.
        parts: its handoffs and tools.
        scope: the function it is made in; 0 for the module.
        guard: where in it.
        block: the block of statements that it is assigned in.
        position: of that statement, line and column.
        lines: of the statements that make it, first and last.
    """

    parts: dict[str, ListValue]
    scope: int
    guard: Guard
    name: str | None = None
    block: int = 0
    position: tuple[int, int] = (0, 0)
    lines: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several values: which one depends on the way through the code."""

    options: tuple["Value", ...]


Value = Unknown | Nothing | Named | ListValue | DictValue | Draft | Choice


def options_of(value: Value) -> tuple[Value, ...]:
    """What a value may be."""
    return value.options if isinstance(value, Choice) else (value,)


def objects_of(value: Value) -> list[Value]:
    """What a value may be, None apart."""
    return [one for one in options_of(value) if one is not NOTHING]


def either(values: Iterable[Value]) -> Value:
    """One of these values."""
    distinct = list({id(one): one for value in values for one in options_of(value)}.values())
    if len(distinct) == 1:
        return distinct[0]
    return Choice(tuple(distinct)) if 0 < len(distinct) <= MAX_OPTIONS else UNKNOWN


def is_certain(guard: Guard, made: Guard) -> bool:
    """Whether what happens under one guard happens to all that was made under the other, and came before."""
    return made[: len(guard)] == guard


def as_list(value: Value, guard: Guard) -> ListValue:
    """The value as an agent's handoffs or tools: the list itself, or a new one of all that it may hold."""
    if isinstance(value, ListValue):
        return value
    merged = ListValue(guard)
    for option in objects_of(value):
        if isinstance(option, ListValue):
            merged.add(option.items)
            merged.known = merged.known and option.known
        elif isinstance(option, Draft):
            merged.add([option])
        else:
            merged.known = False
    return merged


def names_in(values: ListValue, part: str) -> tuple[tuple[str, ...], bool]:
    """The names in a list of handoffs or tools, each once; and whether these are all."""
    names: dict[str, None] = {}
    known = values.known
    for item in values.items:
        for option in objects_of(item):
            name = _name_of(option, part)
            if name is not None and is_node_name(name) and len(names) < MAX_NAMES:
                names[name] = None
            elif name not in names:
                known = False
    return tuple(names), known


def _name_of(value: Value, part: str) -> str | None:
    if isinstance(value, Draft):
        return value.name
    if isinstance(value, Named) and (part == "tools" or not value.is_made):
        return value.name
    return None

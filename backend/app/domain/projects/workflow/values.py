"""What the reader knows of the values in a source: agents, lists of them, names, choices, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

PARTS = ("handoffs", "tools")
# Of one list: more names tell the reader of a drawing nothing.
MAX_NAMES = 50
_MAX_ITEMS = 2 * MAX_NAMES
MAX_OPTIONS = 8

# The conditions under which a statement runs, as a path of branches: it is certain within them alone.
Guard = tuple[int, ...]


class Unknown:
    """A value of which nothing is known."""


@dataclass(eq=False)
class SomeLists(Unknown):
    """Lists of an agent nobody can tell which: `y.handoffs` of a parameter y, or all that `vars(y)` has.

    Attributes:
        parts: the parts, of `PARTS`, that they are of.
        unfollowed: where these are noted once something changes one of the lists.
    """

    parts: tuple[str, ...]
    unfollowed: set[str]


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


@dataclass(frozen=True, eq=False)
class ClassNamed(Named):
    """A class of the source, with the variables in it: `T.inner` is what `inner` holds."""

    names: dict[str, "Value"] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Maker(ClassNamed):
    """What makes an agent when it is called: a class of the SDK or of the source, a partial call, a function.

    Attributes:
        parts: the lists that its agents get where the call gives none.
        is_plain: whether its agents have the lists that they are given; code of the source may give them others.
    """

    parts: dict[str, "ListValue"] = field(default_factory=dict)
    is_plain: bool = True


@dataclass(eq=False)
class ListValue:
    """A list that agents and variables may share, as Python's do.

    Attributes:
        guard: where it was made.
        items: what is in it for certain, or on some way through the code.
        known: whether that is all.
        is_open: whether some function changes it, and nobody knows when: what is read out of it is not known whole.
        has_escaped: whether code that is not followed has it: it is never known whole again.
        lends: whether such code has what is in it.
    """

    guard: Guard
    items: list["Value"] = field(default_factory=list)
    known: bool = True
    is_open: bool = False
    has_escaped: bool = False
    lends: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether it has exactly these items where it is read."""
        return self.known and not self.is_open

    def add(self, items: Iterable["Value"]) -> None:
        """Add items; where they are too many, it is no longer known whole."""
        for item in items:
            if len(self.items) >= _MAX_ITEMS:
                self.known = False
                return
            self.items.append(item)
            if self.has_escaped or self.lends:
                escape(item)

    def take(self, other: "ListValue") -> None:
        """Add all of another list."""
        self.add(list(other.items))
        self.known = self.known and other.is_readable

    def forget(self) -> None:
        """Let go of what was in it: something was done to it that cannot be followed."""
        inside, self.items, self.known = self.items, [], False
        for item in inside:
            escape(item)


@dataclass(eq=False)
class DictValue:
    """A dict with constant keys; empty and not `known` once something was done to it that cannot be followed."""

    items: dict[object, "Value"]
    known: bool = True
    is_open: bool = False
    lends: bool = False

    def forget(self) -> None:
        """Let go of what was in it, which other code may still have."""
        inside, self.items, self.known = self.items, {}, False
        for item in inside.values():
            escape(item)


@dataclass(eq=False)
class AgentDefinition:
    """An agent: its variable, its lists, and the statements that make it.

    Attributes:
        name: the variable it was first assigned to; None until then.
        parts: its handoffs and tools.
        scope: the function it is made in; 0 for the module.
        guard: where in it.
        block: the block of statements that it is assigned in.
        position: of that statement, line and column.
        lines: of the statements that make it, first and last.
        is_shown: whether it is what the drawing shows under its name; another agent may have taken it.
    """

    parts: dict[str, ListValue]
    scope: int
    guard: Guard
    name: str | None = None
    block: int = 0
    position: tuple[int, int] = (0, 0)
    lines: list[tuple[int, int]] = field(default_factory=list)
    is_shown: bool = False

    def forget(self, parts: Iterable[str]) -> None:
        """Let go of these of its lists: code that is not followed may change them, or put others in their place."""
        for part in parts:
            escape(self.parts[part])
            self.parts[part] = ListValue(self.guard, known=False, has_escaped=True)


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several values: which one depends on the way through the code."""

    options: tuple["Value", ...]


Value = Unknown | Nothing | Named | ListValue | DictValue | AgentDefinition | Choice


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


def escape(value: Value) -> None:
    """Note that code which is not followed has the value: what lists are in it may change at any time.

    Agents stay as they are: whoever runs or prints one leaves its lists alone.
    """
    waiting = [value]
    while waiting:
        for one in options_of(waiting.pop()):
            if isinstance(one, ListValue) and not one.has_escaped:
                one.known, one.has_escaped = False, True
                waiting += one.items
            elif isinstance(one, DictValue):
                waiting += one.items.values()
                one.items, one.known = {}, False
            elif isinstance(one, SomeLists):
                one.unfollowed.update(one.parts)


def escape_inside(value: Value) -> None:
    """Note the same of what is in a list or a dict, which itself stays as it is."""
    for one in options_of(value):
        if isinstance(one, ListValue | DictValue) and not one.lends:
            one.lends = True
            for item in list(one.items.values() if isinstance(one, DictValue) else one.items):
                escape(item)

"""The reader's abstract values: agents, lists, names, choices, or unknown."""

from collections.abc import Iterable
from dataclasses import dataclass, field

PARTS = ("handoffs", "tools")
# Names shown of one list.
MAX_NAMES = 50
_MAX_ITEMS = 2 * MAX_NAMES
MAX_OPTIONS = 8

# The conditions under which a statement runs, as a path of branches.
Guard = tuple[int, ...]


class Unknown:
    """An unknown value."""


@dataclass(eq=False)
class SomeLists(Unknown):
    """Lists of an agent that cannot be determined: `y.handoffs` of a parameter y, or all lists in `vars(y)`.

    Attributes:
        parts: the parts, of `PARTS`, that they are.
        unfollowed: the set to which the parts are added when one of the lists is changed.
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
        is_made: whether a call returned it: perhaps a tool, or a handoff to an unknown agent.
    """

    name: str
    is_made: bool = False


@dataclass(frozen=True, eq=False)
class ClassNamed(Named):
    """A class of the source with its variables: `T.inner` is the value of `inner`."""

    names: dict[str, "Value"] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Maker(ClassNamed):
    """A callable that returns a new agent: a class of the SDK or of the source, a partial call, a function.

    Attributes:
        parts: the lists of its agents where the call passes none.
        is_plain: whether its agents have exactly the lists that they are given.
    """

    parts: dict[str, "ListValue"] = field(default_factory=dict)
    is_plain: bool = True


@dataclass(eq=False)
class ListValue:
    """A list, which agents and variables may share.

    Attributes:
        guard: where it was created.
        items: what it contains on all or some paths.
        known: whether these are all items.
        is_open: whether a function may change it at an unknown time: a read never finds it complete.
        has_escaped: whether code that is not followed has it: it is never complete again.
        lends: whether such code has its items.
    """

    guard: Guard
    items: list["Value"] = field(default_factory=list)
    known: bool = True
    is_open: bool = False
    has_escaped: bool = False
    lends: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether it has exactly these items when it is read."""
        return self.known and not self.is_open

    def add(self, items: Iterable["Value"]) -> None:
        """Add items. If they are too many, the list is no longer complete."""
        for item in items:
            if len(self.items) >= _MAX_ITEMS:
                self.known = False
                return
            self.items.append(item)
            if self.has_escaped or self.lends:
                escape(item)

    def extend(self, other: "ListValue") -> None:
        """Add the items of another list."""
        self.add(list(other.items))
        self.known = self.known and other.is_readable

    def invalidate(self) -> None:
        """Drop its content, after a change that cannot be followed."""
        inside, self.items, self.known = self.items, [], False
        for item in inside:
            escape(item)


@dataclass(eq=False)
class DictValue:
    """A dict with constant keys; empty and not `known` after a change that cannot be followed."""

    items: dict[object, "Value"]
    known: bool = True
    is_open: bool = False
    lends: bool = False

    def invalidate(self) -> None:
        """Drop its content, which other code may still have."""
        inside, self.items, self.known = self.items, {}, False
        for item in inside.values():
            escape(item)


@dataclass(eq=False)
class AgentDefinition:
    """An agent: its variable, its lists, and the statements that make it.

    Attributes:
        name: the first variable that it was assigned to; None until then.
        parts: its handoffs and tools.
        scope: the function that creates it; 0 for the module.
        guard: the guard of that code.
        block: the block of the assignment.
        position: line and column of the assignment.
        lines: first and last line of each statement that defines it.
        is_shown: whether the node of its name shows it, and not another agent.
    """

    parts: dict[str, ListValue]
    scope: int
    guard: Guard
    name: str | None = None
    block: int = 0
    position: tuple[int, int] = (0, 0)
    lines: list[tuple[int, int]] = field(default_factory=list)
    is_shown: bool = False

    def invalidate(self, parts: Iterable[str]) -> None:
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
    """The options of a value."""
    return value.options if isinstance(value, Choice) else (value,)


def objects_of(value: Value) -> list[Value]:
    """The options of a value, without None."""
    return [one for one in options_of(value) if one is not NOTHING]


def either(values: Iterable[Value]) -> Value:
    """One of these values."""
    distinct = list({id(one): one for value in values for one in options_of(value)}.values())
    if len(distinct) == 1:
        return distinct[0]
    return Choice(tuple(distinct)) if 0 < len(distinct) <= MAX_OPTIONS else UNKNOWN


def escape(value: Value) -> None:
    """Note that code which is not followed has the value: its lists may change at any time.

    Agents are unaffected: code that runs or prints one does not change its lists.
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
    """Note that code which is not followed has the items of a list or dict, but not the list or dict itself."""
    for one in options_of(value):
        if isinstance(one, ListValue | DictValue) and not one.lends:
            one.lends = True
            for item in list(one.items.values() if isinstance(one, DictValue) else one.items):
                escape(item)

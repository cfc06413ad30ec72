"""Taking samples in turn, and the rows of the table that they come to."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

Batch = Callable[[], Awaitable[float]]


@dataclass
class Samples:
    """What was measured, a number for each round (or turn)."""

    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, unit: str) -> str:
        """The median, and between which values it lies."""
        digits = 1 if abs(self.median) < 1000 else 0
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f}) {unit}"


async def alternate(rounds: int, *batches: Batch) -> list[Samples]:
    """A sample of each batch in each round; the first batch changes from round to round."""
    taken = [Samples() for _ in batches]
    for number in range(rounds):
        order = [(number + shift) % len(batches) for shift in range(len(batches))]
        for index in order:
            taken[index].values.append(await batches[index]())
    return taken


@dataclass(frozen=True)
class Row:
    """A line of the table: what Vibewire is compared with, and the goal for `value`."""

    name: str
    reference: str
    vibewire: str
    value: float
    goal: float
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def cells(self) -> list[str]:
        """The line as the table prints it."""
        sign = ">=" if self.at_least else "<="
        digits = 2 if self.unit == "x" else 1
        value = f"{self.value:.{digits}f} {self.unit}".replace(" x", "x")
        goal = f"{sign} {self.goal:g} {self.unit}".replace(" x", "x")
        return [self.name, self.reference, self.vibewire, value, goal, "met" if self.met else "MISSED", self.note]


def ratio_row(name: str, reference: Samples, vibewire: Samples, goal: float, unit: str = "ms", note: str = "") -> Row:
    """A row whose value is the ratio of the medians."""
    value = vibewire.median / reference.median
    return Row(name, reference.text(unit), vibewire.text(unit), value, goal, note=note)


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns of text, as wide as they need to be."""
    rows = [header, *lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    written = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([written[0], "-" * max(map(len, written)), *written[1:]])

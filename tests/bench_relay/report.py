"""The results, as tables in docs/benchmarks.md and in the evidence, with a plot."""

import platform
import re
import statistics
import textwrap
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tests.bench.surroundings import machine
from tests.bench_relay.peers import REFERENCE, node_versions
from tests.bench_relay.scenarios import BURSTS, SLOW, STEADY, Result, Scenario
from tests.evidence.write_evidence import header
from tests.server_process import ROOT

FOLDER = ROOT / "backend" / "validated_test_evidence" / "relay"
_PAGE = ROOT / "docs" / "benchmarks.md"
_MARKS = ("<!-- bench-relay -->", "<!-- /bench-relay -->")
_WIDTH = 126
_PER_CPU = "deliveries/CPU-s"


@dataclass
class Runs:
    """All results, by scenario and server; and each as a line."""

    results: dict[tuple[str, str], list[Result]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add(self, scenario: str, peer: str, result: Result) -> str:
        """Add a result. Returns it as a line."""
        self.results.setdefault((scenario, peer), []).append(result)
        metrics = ", ".join(f"{name} {value:,.4g}" for name, value in result.metrics.items())
        wrong = f"  MISTAKES {result.mistakes}" if result.mistakes else ""
        self.lines.append(f"{scenario:24} {peer:18} {metrics}{wrong}")
        return self.lines[-1]

    @property
    def mistakes(self) -> int:
        """Missing, duplicated or reordered deliveries in all runs."""
        return sum(result.mistakes for results in self.results.values() for result in results)

    @property
    def peers(self) -> list[str]:
        """The servers, in the order of the table."""
        return list(dict.fromkeys(peer for _, peer in self.results))

    def values(self, scenario: Scenario, peer: str, metric: str) -> list[float]:
        """The values of all rounds."""
        return [result.metrics[metric] for result in self.results.get((scenario.name, peer), ())]

    def median(self, scenario: Scenario, peer: str, metric: str) -> float:
        """The median of all rounds."""
        return statistics.median(self.values(scenario, peer, metric))

    def ratio(self, scenario: Scenario, peer: str) -> float:
        """Deliveries of a CPU-second, against the reference's."""
        return self.median(scenario, peer, _PER_CPU) / self.median(scenario, REFERENCE, _PER_CPU)

    def has(self, scenario: Scenario) -> bool:
        """Whether it was measured."""
        return (scenario.name, REFERENCE) in self.results


def tables(runs: Runs) -> str:
    """All tables of results, in Markdown."""
    parts = []
    if measured := [one for one in (*BURSTS, *STEADY) if runs.has(one)]:
        rows = [[one.name, *(_per_cpu(runs, one, peer) for peer in runs.peers)] for one in measured]
        parts.append(_table(["thousand deliveries a CPU-second", *runs.peers], rows))
    if measured := [one for one in STEADY if runs.has(one)]:
        rows = [[one.name, *(_delay(runs, one, peer) for peer in runs.peers)] for one in measured]
        parts.append(_table(["delay p50 / p99, CPU of the server", *runs.peers], rows))
    if crowds := {one.clients: one for one in reversed(BURSTS) if runs.has(one) and one.rooms == 1}:
        rows = [
            [f"{clients} clients", *(_connections(runs, crowds[clients], peer) for peer in runs.peers)]
            for clients in sorted(crowds)
        ]
        parts.append(_table(["connects a second, memory of each", *runs.peers], rows))
    if runs.has(SLOW):
        rows = [["memory of the server", *(f"+{runs.median(SLOW, peer, 'grown MB'):.0f} MB" for peer in runs.peers)]]
        rows.append(["the slow client", *(_fate(runs, peer) for peer in runs.peers)])
        parts.append(_table(["one client does not read 40 MB", *runs.peers], rows))
    return "\n\n".join(parts)


def publish(runs: Runs) -> None:
    """Write the tables into docs/benchmarks.md, and all runs with the plot to the evidence."""
    from tests.bench_relay.plot import write_plot

    FOLDER.mkdir(parents=True, exist_ok=True)
    found = textwrap.fill(f"{surroundings()} {busiest_clients(runs)}", _WIDTH) + f"\n\n{tables(runs)}"
    report = [header("make bench-relay"), found, "", "all runs", *runs.lines, ""]
    (FOLDER / "bench-relay.txt").write_text("\n".join(report))
    write_plot(runs, FOLDER / "bench-relay.svg")
    plot = Path("..") / (FOLDER / "bench-relay.svg").relative_to(ROOT)
    shown = f"{found}\n\n![Deliveries a CPU-second against Node's]({plot})"
    begin, end = _MARKS
    text = _PAGE.read_text()
    _PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{shown}\n{end}", text, flags=re.DOTALL))


def busiest_clients(runs: Runs) -> str:
    """How close the clients' process was to being the bottleneck."""
    share, (scenario, peer) = max(
        (result.metrics["clients CPU"], key) for key, results in runs.results.items() for result in results
    )
    return (
        f"The clients, all in one process, used at most {share:.0%} of their core ({scenario}, {peer}); each checked "
        f"that every event came once and in its order: {runs.mistakes} mistakes."
    )


def surroundings() -> str:
    """The machine and the versions of the measurement."""
    packages = ("python-socketio", "python-engineio", "uvicorn", "uvloop", "websockets")
    return (
        f"Measured on {machine()}; the server on one core, all clients on another. Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages)
        + f"; {node_versions()}."
    )


def _per_cpu(runs: Runs, scenario: Scenario, peer: str) -> str:
    found = [value / 1_000 for value in runs.values(scenario, peer, _PER_CPU)]
    spread = f"{statistics.median(found):.0f} [{min(found):.0f}-{max(found):.0f}]"
    return spread if peer == REFERENCE else f"{spread} **{runs.ratio(scenario, peer):.2f}x**"


def _delay(runs: Runs, scenario: Scenario, peer: str) -> str:
    p50, p99, cpu = (runs.median(scenario, peer, name) for name in ("p50 ms", "p99 ms", "server CPU"))
    return f"{p50:.1f} / {p99:.1f} ms, {cpu:.0%}"


def _connections(runs: Runs, scenario: Scenario, peer: str) -> str:
    rate, size = (runs.median(scenario, peer, name) for name in ("connects/s", "kB/connection"))
    return f"{rate:,.0f}/s, {size:.1f} kB"


def _fate(runs: Runs, peer: str) -> str:
    if runs.median(SLOW, peer, "cut off"):
        return "cut off"
    return "misses events" if runs.median(SLOW, peer, "lost in silence") else "is kept"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

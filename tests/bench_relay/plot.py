"""The plot of `make bench-relay`: deliveries of a server's CPU-second, against Node's."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from tests.bench_relay.peers import REFERENCE
from tests.bench_relay.report import Runs
from tests.bench_relay.scenarios import BURSTS

_COLOURS = ("#9aa0a6", "#c9b458", "#7aa6c2", "#1f6feb")
_HEIGHT = 0.2


def write_plot(runs: Runs, path: Path) -> None:
    """Draw a bar for each server and kind of load."""
    matplotlib.rcParams["svg.hashsalt"] = "bench-relay"  # the same numbers make the same file
    chart, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for number, (peer, colour) in enumerate(zip(runs.peers, _COLOURS, strict=False)):
        ratios = [runs.ratio(scenario, peer) for scenario in BURSTS]
        places = [place + number * _HEIGHT for place in range(len(BURSTS))]
        bars = axes.barh(places, ratios, _HEIGHT, label=peer, color=colour)
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=7)
    axes.set_yticks([place + 1.5 * _HEIGHT for place in range(len(BURSTS))], [one.name for one in BURSTS])
    axes.invert_yaxis()
    axes.set_xlabel(f"deliveries of a server's CPU-second, {REFERENCE} = 1")
    axes.set_title("Rooms x clients in each", fontsize=10)
    axes.legend()
    axes.spines[["top", "right"]].set_visible(False)
    chart.savefig(path, metadata={"Date": None})
    pyplot.close(chart)

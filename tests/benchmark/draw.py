"""python -m tests.benchmark.draw: the benchmark's pictures, drawn from what it wrote into results.json."""

import json
import statistics
from pathlib import Path

import numpy as np

from autoenc.plots import BLUE, GREY, VERMILION, figure

RESULTS = Path(__file__).with_name("results.json")
PANELS = "network", "networks", "study", "training", "point", "plane", "import", "size"
LABELS = dict(members="members", hidden="hidden neurons", batch="pictures in a batch", workers="workers")


def benchmark(rows):
    """How much longer than autoenc each contender takes, a panel for each row."""
    rows = {row: rows[row] for row in PANELS if row in rows}
    counts = [len(row["values"]) for row in rows.values()]
    half = -(-len(rows) // 2)
    fig, axs = figure(half, 2, size=(17, 4 + 0.36 * sum(map(max, zip(counts[::2], counts[1::2] + [0])))),
                      height_ratios=[2 + max(counts[2 * k:2 * k + 2]) for k in range(half)])
    for ax in axs.flat[len(rows):]:
        ax.set_axis_off()
    for ax, row in zip(axs.flat, rows.values()):
        ours = row["values"]["autoenc"]
        ratios = {name: statistics.median(a / b for a, b in zip(values, ours)) for name, values in row["values"].items()}
        names = sorted(ratios, key=ratios.get, reverse=True)
        ax.barh(names, [ratios[name] for name in names], left=0, color=[BLUE if name == "autoenc" else GREY for name in names])
        for place, name in enumerate(names):
            ax.annotate(f" {ratios[name]:.3g}", (ratios[name], place), va="center")
        ax.axvline(1, color=BLUE, linewidth=1)
        ax.set_xscale("log")
        ax.set_xlim(min(0.3, 0.7 * min(ratios.values())), 4 * max(ratios.values()))
        ax.set_title(f"{row['title']}\nautoenc: {statistics.median(ours):.3g} {row['unit']}", fontsize=14)
    fig.supxlabel("times autoenc's, median over the rounds (logarithmic)")
    return fig


def growth(curves):
    """What one step costs as networks, batches and workers grow, with the slope that counting operations gives."""
    fig, axs = figure(-(-len(curves) // 2), 2, size=(13, 4.5 * -(-len(curves) // 2)))
    for ax, (option, curve) in zip(axs.flat, curves.items()):
        x, ours = np.array(curve["values"], float), np.array(curve["curves"]["autoenc"])
        for (name, values), colour in zip(curve["curves"].items(), (BLUE, GREY)):
            ax.loglog(x, values, "o-", color=colour, label=name)
        slope = dict(members=1, hidden=1, batch=0, workers=-1)[option]
        anchor = 0 if option == "workers" else -1
        ax.loglog(x, ours[anchor] * (x / x[anchor]) ** slope, ":", color=VERMILION, label=f"operations: slope {slope}")
        ax.set(xlabel=LABELS[option], ylabel=curve["unit"], xticks=x, xticklabels=curve["values"])
        if slope <= 0:
            ax.set_ylim(min(ours) / 2, max(map(max, curve["curves"].values())) * 2)
        ax.minorticks_off()
        ax.legend(frameon=False)
    return fig


def draw(results, folder):
    """Draw both pictures into a folder."""
    for name, fig in ("benchmark", benchmark(results["rows"])), ("growth", growth(results["growth"])):
        fig.savefig(folder / f"{name}.png", metadata={"Software": None})


if __name__ == "__main__":
    draw(json.loads(RESULTS.read_text()), Path("figures"))

"""python -m tests.tools.benchmark.draw: the benchmark's pictures and tables, from what it wrote into results.json."""

import json
import re
import statistics
from pathlib import Path

import numpy as np

from autoenc.report.plots import BLUE, DARK, GREEN, GREY, ORANGE, PURPLE, SKY, figure

from .. import stale
from .contenders import library, processes

RESULTS = Path(__file__).with_name("results.json")
TABLE = Path("tests", "tools", "benchmark", "RESULTS.md")
BEFORE = "Measured at commit 8da2e44, of code unknown."          # of what was measured before results knew their commit
SHORT = {"network": "one small network", "networks": "64 of them at once", "study": "a learning-rate study", "training": "training the VAE",
         "point": "decoding a point", "plane": "decoding a plane", "import": "import", "size": "installed size"}
LABELS = dict(members="members", hidden="hidden neurons", batch="pictures in a batch", workers="workers")
FINDINGS = dict(members="From 16 networks on, arithmetic decides", hidden="Few neurons: starting functions costs more",
                batch="Small batches cost little more", workers="Two workers save two fifths")
# where each curve leaves its line, and why; the sentences hold for the committed results and are read again with new ones
WHY = dict(
    members="One of them is `members=1` here, which has one axis more and takes longer than the single network of the tables above. "
            "Up to 16 networks most of the time goes into starting NumPy's functions, which costs the same for one network as for "
            "many: the curve is flatter than its line. At 1024 it is steeper: parameters, gradient and Adam's two means of so many "
            "networks are larger than a core's own cache, and most parts of a step, Adam above all, take longer for each network than "
            "with 64 (see the budget).",
    hidden="With few neurons an epoch is little more than starting functions; the products' share grows, but 32 characters are few, "
           "and even from 256 to 512 neurons the slope is still below 1.",
    batch="One step of Adam and one meeting of the threads a batch: with 16 pictures each of them pays a sixteenth of it, with 1024 "
          "nothing that shows. Work is done on eight pictures at a time, whatever the batch; PyTorch works on all of a batch "
          "at a time, and takes longer for each picture of a large one.",
    workers="Two threads share memory, one of Python's locks and the processor's power: the bare matrix products, which need no "
            "lock, do not become twice as quick on two cores either (compare their row of the VAE with the budget's sum).")
PEERS = {"JAX": (DARK, "o"), "PyTorch": (GREEN, "s"), "scikit-learn": (SKY, "D"), "Keras on JAX": (ORANGE, "v"),
         "Keras on PyTorch": (PURPLE, "^"), "Keras on TensorFlow": (GREY, "P")}


def ratios(row, name):
    """How many times as long as autoenc a contender took, in each round of a row."""
    return [theirs / ours for theirs, ours in zip(row["values"][name], row["values"]["autoenc"], strict=False)]


def benchmark(rows):
    """How much longer than autoenc the peers take: a line for each row, a mark for the best way with each library."""
    rows = {name: rows[name] for name in SHORT if name in rows}
    fig, ax = figure(size=(13, 1.4 + 0.95 * len(rows)))
    for place, row in enumerate(rows.values()):
        best = {}
        for name in row["values"]:
            if library(name) in PEERS and processes(name) == 1:
                ratio = statistics.median(ratios(row, name))
                best[library(name)] = min(ratio, best.get(library(name), ratio))
        for peer, ratio in best.items():
            colour, marker = PEERS[peer]
            ax.plot(ratio, place, marker, color=colour, markersize=12, alpha=0.9)
    for peer, (colour, marker) in PEERS.items():
        ax.plot([], [], marker, color=colour, markersize=12, label=peer)
    ax.axvline(1, color=BLUE, linewidth=3)
    ax.annotate("autoenc", (1, 1), xytext=(0, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                color=BLUE, fontweight="bold", ha="center")
    ax.set(xscale="log", xlabel="times what autoenc needs: right of the line the peer is slower, or larger", ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), [f"{SHORT[name]}\n{statistics.median(row['values']['autoenc']):.3g} {row['unit']}"
                                     for name, row in rows.items()])
    ax.xaxis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color=GREY, alpha=0.3)
    ax.legend(ncols=6, frameon=False, loc="lower center", bbox_to_anchor=(0.35, 1.04), handletextpad=0, columnspacing=1)
    return fig


def growth(curves):
    """What one step costs as networks, batches and workers grow, with the slope that counting operations gives."""
    fig, axs = figure(-(-len(curves) // 2), 2, size=(13, 4.5 * -(-len(curves) // 2)))
    for ax, (option, curve) in zip(axs.flat, curves.items(), strict=False):
        x, ours = np.array(curve["values"], float), np.array(curve["curves"]["autoenc"])
        for (name, values), colour in zip(curve["curves"].items(), (BLUE, GREY), strict=False):
            ax.loglog(x, values, "o-", color=colour, label=name)
        slope = dict(members=1, hidden=1, batch=0, workers=-1)[option]
        anchor = 0 if option == "workers" else -1
        ax.loglog(x, ours[anchor] * (x / x[anchor]) ** slope, ":", color=DARK, label=f"operations: slope {slope}")
        ax.set(xlabel=LABELS[option], ylabel=curve["unit"], xticks=x, xticklabels=curve["values"], title=FINDINGS[option])
        if slope <= 0:
            ax.set(ylim=(0.1, 1), yticks=(0.1, 0.2, 0.4, 0.8), yticklabels=("0.1", "0.2", "0.4", "0.8"))
        ax.minorticks_off()
        ax.legend(frameon=False)
    return fig


def table(row):
    """A row of the benchmark as a Markdown table: the ratio first, its median and range over the rounds."""
    rounds = len(row["values"]["autoenc"])
    lines = [f"| {row['title']} | times autoenc's{f', {rounds} rounds' if rounds > 1 else ''} | {row['unit']} |", "|---|---|---|"]
    for name, mine in sorted(row["values"].items(), key=lambda item: statistics.median(item[1])):
        times = ratios(row, name)
        spread = f" ({min(times):.3g} to {max(times):.3g})" if len(times) > 1 else ""
        lines.append(f"| {name} | {statistics.median(times):.3g}{spread} | {statistics.median(mine):.3g} |")
    return "\n".join([*lines, "", row.get("measured", BEFORE)])


# goal: (row, contenders whose names begin so do not count, how many times as long the quickest of the others shall take,
#        how many processes are allowed)
GOALS = {"one small network, beside JAX's whole compiled loop": ("network", (), 1 / 1.6, 1),
         "one small network, beside all others": ("network", ("JAX, whole",), 8, 1), "64 at once": ("networks", (), 1.3, 1),
         "the learning-rate study, in one process": ("study", (), 3, 1),
         "the learning-rate study, each in one process or two, whichever is quicker": ("study", (), 3, 2),
         "training the VAE": ("training", (), 1.25, 1)}


# What a row's operations take with nothing around them.
LEAST = "NumPy, written out in one loop", "NumPy, the steps alone"


def goals(results):
    """What this project set out for, and how far it got, as a Markdown table of what was measured."""
    lines = ["| how many times as long the quickest peer takes | wanted | reached | the quickest peer | with the bare operations |",
             "|---|---|---|---|---|"]
    for title, (name, but, wanted, most) in GOALS.items():
        row = results["rows"].get(name, {"values": {}})
        times = {who: statistics.median(ratios(row, who)) for who in row["values"] if processes(who) <= most}
        ours = min((time for who, time in times.items() if who.startswith("autoenc")), default=1)
        peers = {peer: time / ours for peer, time in times.items() if library(peer) in PEERS and not peer.startswith(but)}
        if peers:
            quickest = min(peers, key=peers.get)
            least = [f"{times[quickest] / times[bare]:.3g}" for bare in LEAST if bare in times and most == 1]
            lines.append(f"| {title} | {wanted:.3g} | {peers[quickest]:.3g} | {quickest} | {''.join(least)} |")
    last = re.findall(r"^\| (?:the rest|all) \| ([\d.]+) \|.*\| ([\d.]+) \|$", results.get("budget", ""), re.M)[-2:]
    if last:
        (rest, _), (spent, products) = np.array(last, float)
        lines.append(f"| the VAE's share of the products' peak, on one thread | 65% | {products / spent:.0%} | "
                     f"| {products / (spent - rest):.0%} |")
    return "\n".join(lines)


def tables(results):
    """Everything that was measured, as Markdown."""
    versions = "\n".join(f"* {name} {version}" for name, version in results["versions"].items())
    growth = ["\n".join([
        f"| {LABELS[option]} ({curve['unit']}) | {' | '.join(map(str, curve['values']))} |", "|---" * (len(curve["values"]) + 1) + "|",
        *(f"| {name} | {' | '.join(f'{value:.3g}' for value in values)} |" for name, values in curve["curves"].items()),
        "", curve.get("measured", BEFORE), "", WHY[option]])
        for option, curve in results["growth"].items()]
    return "\n\n".join(["# What the benchmark measured", f"Written by `python -m tests.tools.benchmark --write` on {results['machine']}.",
                        versions, "## What was wanted, and how far it got", goals(results),
                        "The last column is what the same operations reach with nothing around them: a loop of NumPy's functions "
                        "written out by hand; for the VAE the steps of its layers and its loss, without what is between them. A goal "
                        "beyond that column is out of reach for these operations in one process, whoever calls them: it takes other "
                        "operations, quicker products, a compiler that joins them, or for the study more processes, with which peers "
                        "are quicker, too. "
                        "The budget at the end says where the time goes.", "## All rows",
                        *map(table, results["rows"].values()), "## How cost grows",
                        "What stands below a table is about the committed results.", *growth,
                        "## Where the time of a training step goes", results.get("budget", ""), results.get("budget_measured", BEFORE)]) + "\n"


def draw(results, folder):
    """Draw both pictures into a folder, and write the tables beside this file."""
    for name, fig in ("benchmark", benchmark(results["rows"])), ("growth", growth(results["growth"])):
        fig.savefig(folder / f"{name}.png", metadata={"Software": None})
    RESULTS.with_name("RESULTS.md").write_text(stale.marked(TABLE, tables(results)), encoding="utf-8")


if __name__ == "__main__":
    draw(json.loads(RESULTS.read_text()), Path("figures"))

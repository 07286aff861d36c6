"""Write the published figures into the documentation: a table and a plot of each, from the figures' JSON files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tests.benchmarks.figure import COLUMNS, Figure, number

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_OF_A_DAY = 86_400
IMPORTS_A_DAY = 100_000
#: Assumed of an import of middle length, on average: how long it runs, and how often it is looked at meanwhile.
AVERAGE_MINUTES = 15
AVERAGE_READS = 30
#: Of a core, what one triggerer should use for reading at most; the rest is Airflow's own.
SHARE_OF_A_CORE = 0.5
#: Airflow's default of `[triggerer] capacity`.
CAPACITY = 1000


def redraw(folder: Path) -> None:
    """Write `<figure>.csv`, `<figure>.svg` and `<figure>.txt`, and the plan beyond one machine, `planning.csv`."""
    figures = {file.stem: Figure.from_json(json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))}
    for name, figure in figures.items():
        _table(figure, folder / f"{name}.csv")
        (folder / f"{name}.txt").write_text("\n\n".join([figure.machine, *figure.remarks]) + "\n")
        if figure.curves:
            _plot(figure, folder / f"{name}.svg")
    if "cost_of_a_wait" in figures and "memory_of_a_wait" in figures:
        _plan(figures["cost_of_a_wait"], figures["memory_of_a_wait"], folder / "planning.csv")


def _table(figure: Figure, file: Path) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in figure.rows)


def _plot(figure: Figure, file: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    # the same bytes for the same numbers
    matplotlib.rcParams["svg.hashsalt"] = figure.name
    from matplotlib import pyplot

    picture, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for label, points in figure.curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=label)
    axes.set(xlabel=figure.axes[0], ylabel=figure.axes[1])
    if figure.logarithmic:
        axes.set(xscale="log", yscale="log")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    picture.savefig(file, metadata={"Date": None})
    pyplot.close(picture)


def _plan(cost: Figure, memory: Figure, file: Path) -> None:
    milliseconds = max(row.ours for row in cost.rows)  # TLS
    kilobytes = max(row.ours for row in memory.rows)
    at_once = IMPORTS_A_DAY * AVERAGE_MINUTES * 60 / SECONDS_OF_A_DAY
    reads = IMPORTS_A_DAY * AVERAGE_READS / SECONDS_OF_A_DAY
    cores = reads * milliseconds / 1000
    triggerers = max(at_once / CAPACITY, cores / SHARE_OF_A_CORE)
    lines = [
        ("imports a day", IMPORTS_A_DAY),
        ("average run time, minutes (assumed)", AVERAGE_MINUTES),
        ("status reads an import (simulated for that run time)", AVERAGE_READS),
        ("imports waited for at the same time, on average", at_once),
        ("status reads a second", reads),
        ("processor milliseconds a read, over TLS", milliseconds),
        ("cores for all reads", cores),
        ("memory of all waits, megabytes", at_once * kilobytes / 1000),
        (f"triggerers with a capacity of {CAPACITY:,}", -(-triggerers // 1)),
    ]
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(("planning", "value"))
        writer.writerows((what, number(value)) for what, value in lines)

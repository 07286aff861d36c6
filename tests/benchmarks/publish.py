"""Write the published figures into the documentation: a table and a plot of each, from the figures' JSON files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tests.benchmarks.figure import COLUMNS, Figure, number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS_OF_A_DAY = 86_400
IMPORTS_A_DAY = 100_000
#: Assumed.
AVERAGE_MINUTES = 15
#: Of a core, what one triggerer should use for reading at most; the rest is Airflow's own.
SHARE_OF_A_CORE = 0.5
#: Airflow's default of `[triggerer] capacity`.
CAPACITY = 1000


NOT_MEASURED = "not measured on this version yet: run make bench"


def redraw(folder: Path, names: Sequence[str]) -> None:
    """
    Write `<figure>.csv`, `<figure>.svg` and `<figure>.txt`, and the plan beyond one machine, `planning.csv`.

    :param names: all figures that the page shows; one that was not measured says so
    """
    figures = {name: _read(folder / f"{name}.json") for name in names}
    for name, figure in figures.items():
        _table(figure, folder / f"{name}.csv")
        (folder / f"{name}.txt").write_text("\n\n".join([figure.machine, *figure.remarks]) + "\n")
        if figure.curves:
            _plot(figure, folder / f"{name}.svg")
    _plan(
        *(figures[name] for name in ("cost_of_a_wait", "memory_of_a_wait", "noticing_the_end")), folder / "planning.csv"
    )


def _read(file: Path) -> Figure:
    if not file.exists():
        return Figure(file.stem, "", [], curves={NOT_MEASURED: [(1.0, 1.0)]}, machine=NOT_MEASURED)
    return Figure.from_json(json.loads(file.read_text()))


def _table(figure: Figure, file: Path) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in figure.rows)
        if not figure.rows:
            writer.writerow([NOT_MEASURED, *[""] * (len(COLUMNS) - 1)])


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


def _at(x: float, curve: Sequence[Sequence[float]]) -> float:
    """A curve's value between two of its points."""
    after = next(number for number, (at, _) in enumerate(curve) if at >= x)
    (left, low), (right, high) = curve[after - 1], curve[after]
    return low + (high - low) * (x - left) / (right - left)


def _plan(cost: Figure, memory: Figure, noticing: Figure, file: Path) -> None:
    milliseconds = max((row.ours for row in cost.rows), default=float("nan"))  # TLS
    kilobytes = max((row.ours for row in memory.rows), default=float("nan"))
    at_once = IMPORTS_A_DAY * AVERAGE_MINUTES * 60 / SECONDS_OF_A_DAY
    each = max(
        _at(60.0 * AVERAGE_MINUTES, curve) for name, curve in noticing.curves.items() if name.startswith("adaptive")
    )
    reads = IMPORTS_A_DAY * each / SECONDS_OF_A_DAY
    cores = reads * milliseconds / 1000
    triggerers = max(cores / SHARE_OF_A_CORE, at_once / CAPACITY)
    lines = [
        ("imports a day", IMPORTS_A_DAY),
        ("average run time, minutes (assumed)", AVERAGE_MINUTES),
        ("status reads an import (simulated for that run time)", each),
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

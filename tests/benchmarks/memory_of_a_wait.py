"""Resident memory per waiting import, beyond the process that waits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Goal, Row, interleaved, machine, median
from tests.benchmarks.vendor import VendorProcess
from tests.benchmarks.waiting import measure

if TYPE_CHECKING:
    import argparse

TITLE = "Memory of a wait: resident kilobytes per waiting import, beyond a process that waits for one"
NAMES = {"imports": "this package", "floor": "bare aiohttp loop", "http_sensor": "deferrable HttpSensor"}
COUNTS = (1000, 5000)
KILOBYTES = Goal(5, of="value")


def run(options: argparse.Namespace) -> Figure:
    """Measure processes that wait for one import and for thousands."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {words: [] for words in NAMES.values()}
    with VendorProcess() as vendor:
        candidates = {
            f"{name} {count}": partial(measure, vendor, name, imports=count, interval=10.0, warm_up=14.0, seconds=2.0)
            for name in NAMES
            for count in (1, *COUNTS)
        }
        found = interleaved(max(1, options.rounds // 2), candidates)
    for count in COUNTS:
        each = {
            name: (median(found[f"{name} {count}"], "resident") - median(found[f"{name} 1"], "resident")) / count / 1e3
            for name in NAMES
        }
        for name, words in NAMES.items():
            curves[words].append((count, each[name]))
        what = f"{count:,} imports"
        rows.append(Row(what, each["imports"], NAMES["floor"], each["floor"], goal=KILOBYTES))
        rows.append(Row(what, each["imports"], NAMES["http_sensor"], each["http_sensor"]))
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("imports waited for at the same time", "resident kilobytes per import"),
        remarks=["All imports are looked at in the same moment, every 10 s: the worst case for requests under way."],
        machine=machine(),
    )

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
INTERVAL = 10.0
KILOBYTES = Goal(5, of="value")


def run(options: argparse.Namespace) -> Figure:
    """Measure processes that wait for one import and for thousands."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {words: [] for words in NAMES.values()}
    with VendorProcess() as vendor:
        spread = partial(measure, vendor, interval=INTERVAL, spread=INTERVAL, warm_up=2.4 * INTERVAL, seconds=2.0)
        candidates = {
            f"{name} {count}": partial(spread, name, imports=count) for name in NAMES for count in (1, *COUNTS)
        }
        at_once = partial(measure, vendor, interval=INTERVAL, warm_up=1.4 * INTERVAL, seconds=2.0)
        candidates |= {f"{name} at once": partial(at_once, name, imports=COUNTS[0]) for name in NAMES}
        found = interleaved(max(1, options.rounds // 2), candidates)

    def kilobytes(name: str, what: str, count: int) -> float:
        return (median(found[f"{name} {what}"], "resident") - median(found[f"{name} 1"], "resident")) / count / 1e3

    for count in COUNTS:
        for name, words in NAMES.items():
            curves[words].append((count, kilobytes(name, str(count), count)))
        rows += _compare(f"{count:,} imports", {name: kilobytes(name, str(count), count) for name in NAMES}, KILOBYTES)
    what = f"{COUNTS[0]:,} imports, all looked at in the same moment"
    rows += _compare(what, {name: kilobytes(name, "at once", COUNTS[0]) for name in NAMES})
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("imports waited for at the same time", "resident kilobytes per import"),
        remarks=[
            f"A look every {INTERVAL:g} s each. The imports are deferred one after the other, as in use; at the end, "
            "all in the same moment, as after the restart of a triggerer."
        ],
        machine=machine(),
    )


def _compare(what: str, each: dict[str, float], goal: Goal | None = None) -> list[Row]:
    return [
        Row(what, each["imports"], NAMES[name], each[name], goal=goal if name == "floor" else None)
        for name in ("floor", "http_sensor")
    ]

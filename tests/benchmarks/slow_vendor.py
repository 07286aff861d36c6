"""Reads per second at a vendor that takes its time, and how long the event loop is held."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_imports.http.request_queue import MOST_IN_FLIGHT
from tests.benchmarks.figure import Figure, Goal, Row, compare, interleaved, machine, median
from tests.benchmarks.vendor import VendorProcess
from tests.benchmarks.waiting import measure

if TYPE_CHECKING:
    import argparse

TITLE = "Slow vendor: status reads per second, and how long the event loop is held"
FLOOR = "bare aiohttp loop"
THREADS = "a thread per read (requests)"
DELAYS = (0.2, 2.0)
#: Seconds; with 2 s an answer, a thousand imports can be read 250 times a second.
INTERVAL = 2.0
#: Ours opens connections round by round, so it needs some seconds to become as wide as this vendor needs.
WARM_UP = 20.0
HOLD = Goal(50, of="value")


def run(options: argparse.Namespace) -> Figure:
    """Measure at both delays."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {"this package": [], FLOOR: [], THREADS: []}
    for delay in DELAYS:
        with VendorProcess(answer_after=delay) as vendor:
            each = partial(
                measure, vendor, imports=options.imports, interval=INTERVAL, warm_up=WARM_UP, seconds=8.0, watch=1
            )
            candidates = {
                "floor": partial(each, "floor", sockets=MOST_IN_FLIGHT),
                "imports": partial(each, "imports"),
                "threads": partial(each, "threads"),
            }
            found = interleaved(max(1, options.rounds // 2), candidates)
        what = f"{delay:g} s an answer"
        speed = "reads_per_second"
        rows.append(compare(f"{what}, reads/s", speed, found, ("imports", "floor"), FLOOR, Goal(0.95, "at least")))
        rows.append(compare(f"{what}, reads/s", speed, found, ("imports", "threads"), THREADS))
        held = {name: median(found[name], "longest_hold_ms") for name in found}
        rows.append(Row(f"{what}, loop held ms", held["imports"], FLOOR, held["floor"], goal=HOLD))
        for name, words in (("imports", "this package"), ("floor", FLOOR), ("threads", THREADS)):
            curves[words].append((delay, median(found[name], speed)))
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("seconds that the vendor takes to answer", "status reads per second"),
        remarks=[f"{options.imports:,} imports, one look every {INTERVAL:g} s each; {MOST_IN_FLIGHT} sockets at most."],
        machine=machine(),
    )

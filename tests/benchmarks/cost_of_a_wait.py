"""Processor time per status read, while a thousand imports are waited for in one event loop."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Goal, compare, interleaved, machine, median
from tests.benchmarks.vendor import vendor_over
from tests.benchmarks.waiting import measure

if TYPE_CHECKING:
    import argparse

TITLE = "Cost of a wait: processor milliseconds per status read"
FLOOR = "bare aiohttp loop"
OTHERS = {"http_sensor": "deferrable HttpSensor", "threads": "a thread per read (requests)"}
KEY = "cpu_ms_per_read"
#: Seconds between two looks, and seconds over which the waits begin: reads that come all at once share the event
#: loop's rounds and look cheaper, for as long as they keep in step.
INTERVAL = 1.0


def run(options: argparse.Namespace) -> Figure:
    """Measure over plain HTTP and TLS."""
    rows = []
    for scheme in ("http", "https"):
        with tempfile.TemporaryDirectory() as folder, vendor_over(scheme, Path(folder)) as vendor:
            certificate = f"{folder}/certificate.pem" if scheme == "https" else None
            each = partial(
                measure, vendor, certificate=certificate, imports=options.imports, interval=INTERVAL, spread=INTERVAL
            )
            close = {name: partial(each, name, seconds=options.seconds) for name in ("floor", "imports")}
            found = interleaved(options.rounds, close)
            far = interleaved(
                max(1, options.rounds // 3), {name: partial(each, name, seconds=options.seconds) for name in OTHERS}
            )
        what = f"{options.imports:,} imports, {'TLS' if scheme == 'https' else 'plain HTTP'}"
        rows.append(compare(what, KEY, found, ("imports", "floor"), FLOOR, Goal(1.1)))
        for name, words in OTHERS.items():
            theirs = median(far[name], KEY)
            goal = Goal(0.2) if name == "http_sensor" else None
            rows.append(type(rows[0])(what, median(found["imports"], KEY), words, theirs, goal=goal))
    curves = _curves(options)
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("imports waited for at the same time", "processor milliseconds per read (plain HTTP)"),
        logarithmic=True,
        machine=machine(),
    )


def _curves(options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Cost against the number of imports."""
    names = {"floor": FLOOR, "imports": "this package", **OTHERS}
    curves: dict[str, list[tuple[float, float]]] = {words: [] for words in names.values()}
    with tempfile.TemporaryDirectory() as folder, vendor_over("http", Path(folder)) as vendor:
        for count in options.sizes:
            for name, words in names.items():
                found = measure(
                    vendor, name, imports=count, interval=INTERVAL, spread=INTERVAL, seconds=options.seconds
                )
                curves[words].append((count, found[KEY]))
    return curves

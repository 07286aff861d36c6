"""What a status read's processor time is spent on, seen by a profiler: what is ours, and what nobody gets below."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Row, interleaved, machine
from tests.benchmarks.profiled import PARTS
from tests.benchmarks.vendor import VendorProcess
from tests.benchmarks.waiting import measure

if TYPE_CHECKING:
    import argparse

TITLE = "Parts of a read: processor milliseconds per status read, over plain HTTP"
#: A kernel looks no more than 250 times a second of processor time.
SECONDS = 20.0
CANDIDATES = {"floor": "bare aiohttp loop", "http_sensor": "deferrable HttpSensor"}


def run(options: argparse.Namespace) -> Figure:
    """Profile ours, the floor and a deferrable HttpSensor."""
    with VendorProcess() as vendor:
        each = partial(measure, vendor, imports=options.imports, interval=1.0, spread=1.0, seconds=SECONDS)
        found = interleaved(
            max(1, options.rounds // 2), {name: partial(each, name, profile=1) for name in ("imports", *CANDIDATES)}
        )
    rows = []
    for name, words in CANDIDATES.items():
        for part in PARTS:
            ours, theirs = (statistics.median(one[part] for one in found[who]) for who in ("imports", name))
            if ours or theirs:
                rows.append(Row(part, ours, words, theirs))
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        remarks=[
            "Where the main thread was seen at every few milliseconds of processor time, as a share of all that the "
            "process used. What the standard library does counts for whoever called it."
        ],
        machine=machine(),
    )

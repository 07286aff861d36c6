"""How many reads an import costs, and how late its end is noticed: adaptive waits against fixed ones, simulated."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING

from airflow_provider_imports import polling
from airflow_provider_imports.models import ImportState, ImportStatus
from tests.benchmarks.figure import Figure, Goal, Row

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

TITLE = "Noticing the end: status reads per import and seconds until its end is noticed (simulated)"
#: Run times in seconds, short and long.
SHORT = (10, 20, 30, 45, 60)
LONG = (3600, 2 * 3600, 4 * 3600, 8 * 3600)
CURVE = (5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 28800)
RUNS = 200
QUICK = polling.PollPolicy(poll_interval=5)
USUAL = polling.PollPolicy(poll_interval=15)

Waits = tuple[float, float]


def adaptive(policy: polling.PollPolicy, run_time: float, dice: random.Random) -> Waits:
    """Let the package's own :class:`~airflow_provider_imports.polling.Wait` wait; returns reads and delay."""
    wait = polling.Wait(policy, 0.0, 0.0)
    now, reads = wait.first_pause(0.0, dice.random()), 0
    while True:
        reads += 1
        ended = now >= run_time
        status = ImportStatus(ImportState.SUCCEEDED if ended else ImportState.RUNNING, "Completed" if ended else "-")
        step = wait.after_look(status, now, now, dice.random())
        if step.ending is not None:
            return reads, now - run_time
        now += step.pause


def fixed(interval: float, run_time: float) -> Waits:
    """Look at once, as a sensor does, and then after every interval."""
    reads = -(-run_time // interval) + 1
    return reads, (reads - 1) * interval - run_time


def average(wait: Callable[[float], Waits], run_times: tuple[int, ...], dice: random.Random) -> Waits:
    """Reads and delay, averaged over imports whose run times lie around the given ones."""
    waits = [wait(run_time * dice.uniform(0.8, 1.25)) for run_time in run_times for _ in range(RUNS)]
    reads, delays = zip(*waits, strict=True)
    return statistics.fmean(reads), statistics.fmean(delays)


def worst_delay(policy: polling.PollPolicy, dice: random.Random) -> float:
    """The longest delay, as a share of what is promised: a tenth of the run time, within the policy's bounds."""
    shares = []
    for run_time in (time * dice.uniform(0.8, 1.25) for time in CURVE for _ in range(RUNS)):
        _, delay = adaptive(policy, run_time, dice)
        promised = min(max(run_time * polling.WAIT_SHARE, policy.poll_interval), policy.max_poll_interval)
        shares.append(delay / promised)
    return max(shares)


def run(options: argparse.Namespace) -> Figure:
    """Simulate; the same dice every time."""
    dice = random.Random(6)
    rows: list[Row] = []
    for policy in (QUICK, USUAL):
        words = f"poll_interval={policy.poll_interval:g}"

        def ours(run_time: float, policy: polling.PollPolicy = policy) -> Waits:
            return adaptive(policy, run_time, dice)

        reads, _ = average(ours, LONG, dice)
        minute, _ = average(lambda run_time: fixed(60, run_time), LONG, dice)
        rows.append(Row(f"1-8 h, {words}: reads", reads, "every 60 s", minute, goal=Goal(1.0)))
        reads, delay = average(ours, SHORT, dice)
        tens, late = average(lambda run_time: fixed(10, run_time), SHORT, dice)
        goal = Goal(1.0) if policy is QUICK else None
        rows.append(Row(f"10-60 s, {words}: delay, s", delay, "every 10 s", late, goal=goal))
        rows.append(Row(f"10-60 s, {words}: reads", reads, "every 10 s", tens))
        allowed = 1 + polling.JITTER_SHARE
        what = f"{words}: longest delay by the promised one"
        rows.append(Row(what, worst_delay(policy, dice), goal=Goal(allowed, of="value")))
    curves = {
        "adaptive, poll_interval=5": [(t, average(lambda r: adaptive(QUICK, r, dice), (t,), dice)[0]) for t in CURVE],
        "adaptive, poll_interval=15": [(t, average(lambda r: adaptive(USUAL, r, dice), (t,), dice)[0]) for t in CURVE],
        "fixed, every 10 s": [(t, fixed(10, t)[0]) for t in CURVE],
        "fixed, every 60 s": [(t, fixed(60, t)[0]) for t in CURVE],
    }
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("run time of the import, seconds", "status reads until its end is noticed"),
        logarithmic=True,
        remarks=[f"{RUNS} imports around each run time. Waits are jittered by {polling.JITTER_SHARE:.0%}."],
        machine="simulated: the same on every machine",
    )

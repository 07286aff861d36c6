"""`make demo`: a real Airflow imports real data into the sandbox, before your eyes.

Exit code 0 if everything went as it should: every run green, every row arrived, every import started once,
every wait spent in the triggerer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from airflow_provider_imports.sandbox import Sandbox
from tests.system.demo_data import STOCK
from tests.system.demo_runs import BLOOMREACH_SOURCE, EACH_VENDOR, PIPELINE, POOL, Progress
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.system.demo_runs import Row

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"
IMPORT_SECONDS = 8.0
LOOK_SECONDS = 0.5
TIMEOUT_SECONDS = 100
PLAIN_WIDTH = 100
"""Columns of the tables where the output is no terminal."""
WIDE = 90
WIDE_HEADINGS = ("rows\nsent", "inserted", "rejected", "polls", "seconds")
NARROW_HEADINGS = ("rows\nsent", "in-\nserted", "re-\njected", "polls", "sec-\nonds")
CALLS_A_MINUTE = 600
"""At Rocket.Chat, as for a user with the permission `api-bypass-rate-limit`; ten would be the rule."""
SANDBOX_SETTINGS = {"rocketchat": {"calls_per_window": CALLS_A_MINUTE}}
COLOURS = {
    "success": "green",
    "succeeded": "green",
    "accepted": "green",
    "failed": "red",
    "upstream_failed": "red",
    "deferred": "magenta",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    options = _parser().parse_args(arguments)
    # An end by SIGTERM unwinds like one by Ctrl-C, so that everything is stopped and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        return _demonstrate(console, keep=options.keep)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped.")
        return 128 + signal.SIGINT


def _demonstrate(console: Console, *, keep: bool) -> int:
    began = time.monotonic()
    with Sandbox(run_seconds=IMPORT_SECONDS, settings=SANDBOX_SETTINGS).in_thread() as sandbox:
        console.print(f"Sandbox: {', '.join(sandbox.vendors)} at {sandbox.url}")
        with RunningAirflow(EXAMPLE_DAGS, connections(sandbox)) as airflow:
            console.print("Airflow: DAG processor, scheduler, triggerer, API server ...")
            airflow.wait_until_ready()
            console.print(f"         ready after {time.monotonic() - began:.0f} s at {airflow.url}")
            airflow.create_pool(POOL, 8, include_deferred=True)
            database = {"connection_id": "merchandise", "conn_type": "sqlite", "host": str(airflow.home / STOCK)}
            airflow.api("POST", "connections", json=database)
            sandbox.change_settings(bloomreach={"source": str(airflow.home / BLOOMREACH_SOURCE)})
            stages: list[list[Progress]] = []
            for title, runs in (("Each vendor's examples, side by side", EACH_VENDOR), ("All in one", [PIPELINE])):
                console.print(f"\n[bold]{title}[/bold]")
                stages.append([Progress(airflow, run) for run in runs])
                _watch(console, sandbox, stages)
            exit_code = _report(console, sandbox, stages)
            console.print(f"Took {time.monotonic() - began:.0f} s. Exit code {exit_code}.")
            if keep:
                console.print(f"Airflow's UI stays up at {airflow.url} until Ctrl-C.")
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave Airflow and the sandbox up afterwards")
    return parser


def connections(sandbox: Sandbox) -> dict[str, str]:
    """Connections to the sandbox, as `AIRFLOW_CONN_*`; Rocket.Chat's without its limit of calls."""
    faster = sandbox.connection("rocketchat")
    faster["extra"] = {**faster["extra"], "requests_per_minute": CALLS_A_MINUTE}
    return {**sandbox.connection_env(), "AIRFLOW_CONN_ROCKETCHAT_DEFAULT": json.dumps(faster)}


def _watch(console: Console, sandbox: Sandbox, stages: Sequence[Sequence[Progress]]) -> None:
    """Show the runs until those of the last stage have ended: one refreshed block, or a line a change."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not all(each.has_ended for each in stages[-1]) and time.monotonic() < deadline:
            for each in stages[-1]:
                _look_at(each, console)
            if console.is_terminal:
                live.update(_progress_block(stages, sandbox), refresh=True)
            time.sleep(LOOK_SECONDS)


def _look_at(progress: Progress, console: Console) -> None:
    """Look once; on what is no terminal, each change of state is a line."""
    if progress.has_ended:
        return
    before = [row.state for row in progress.rows]
    progress.look()
    for row, state in zip(progress.rows, before, strict=True):
        if row.state != state and not console.is_terminal:
            console.print(f"{row.seconds:5.1f} s  {row.name}: {row.state}")


def _progress_block(stages: Sequence[Sequence[Progress]], sandbox: Sandbox) -> Group:
    table = Table("vendor", "DAG", "data", "state", box=None, pad_edge=False)
    table.add_column("seconds", justify="right")
    for row in _rows(stages):
        table.add_row(row.what.vendor, row.dag_id, row.what.data or "", _coloured(row.state), f"{row.seconds:.1f}")
    return Group(table, Text(f"{len(sandbox.journal)} requests received by the sandbox so far", style="dim"))


def _table(stages: Sequence[Sequence[Progress]], sandbox: Sandbox, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    table.add_column("vendor", no_wrap=True)
    table.add_column("DAG", overflow="fold")  # the one that gives way on a narrow terminal
    table.add_column("state", no_wrap=True)
    for heading in WIDE_HEADINGS if width >= WIDE else NARROW_HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in stages:
        for row in _rows([stage]):
            dag = row.dag_id if row.what.data is None else f"{row.dag_id}\n[dim]{row.what.data}[/]"
            numbers = (row.rows_sent, row.arrived, row.rejected, row.polls(sandbox))
            cells = (row.what.vendor, dag, _coloured(row.import_state), *map(_number, numbers), f"{row.seconds:.1f}")
            table.add_row(*cells)
        table.add_section()
    return table


def _report(console: Console, sandbox: Sandbox, stages: Sequence[Sequence[Progress]]) -> int:
    """Show the outcome, say what is not as it should be, and return the exit code."""
    console.print()
    console.print(_table(stages, sandbox, console.width))
    rows = _rows(stages)
    problems = [(each, *problem) for stage in stages for each in stage for problem in each.problems(sandbox, rows)]
    for each, row, problem in problems:
        console.print(f"[red]{problem if row is None else f'{row.name}: {problem}'}[/red]")
        if row is not None and row.has_run:
            console.print(each.log(row), markup=False, highlight=False, soft_wrap=True)
    if not problems:
        console.print(
            f"Every row arrived but the {sum(row.rejected or 0 for row in rows)} users whom Rocket.Chat knew already. "
            "Every import was started once, every wait was in the triggerer. The asset events of nightly_launch woke "
            "launch_report."
        )
        console.print("inserted: with the updated rows; at WEBSALE what it processed and did not reject.", style="dim")
    return int(bool(problems))


def _rows(stages: Sequence[Sequence[Progress]]) -> list[Row]:
    return [row for stage in stages for each in stage for row in each.rows]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _coloured(state: str) -> str:
    return f"[{COLOURS.get(state, 'cyan')}]{state}[/]"


if __name__ == "__main__":
    sys.exit(main())

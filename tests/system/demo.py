"""`make demo`: a real Airflow imports real data into the sandbox, before your eyes.

Exit code 0 if everything went as it should: every run green, every row arrived, every import started once,
every wait spent in the triggerer.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import pigment as pigment_sandbox
from tests.system.running_airflow import FINAL_RUN_STATES, RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"
IMPORT_SECONDS = 8.0
LOOK_SECONDS = 0.5
RUN_TIMEOUT_SECONDS = 100


@dataclass(frozen=True, slots=True)
class DemoRun:
    """One row of the demo.

    :param vendor: the sandbox's name of the vendor
    :param dag_id: a Dag of `example_dags/`
    :param task_id: the task that returns the manifest
    :param data_set: a CSV file of the `vega_datasets` package, passed to the Dag as parameter `file_path`
    :param params: further parameters of the Dag
    :param waits: whether the Dag waits for the import's end, in the triggerer
    """

    vendor: str
    dag_id: str
    task_id: str
    data_set: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    waits: bool = True


DEMO_RUNS = (
    DemoRun("pigment", "pigment_push_csv", "push_csv", "us-employment.csv"),
    DemoRun(
        "pigment",
        "pigment_push_csv",
        "push_csv",
        "airports.csv",
        {"configuration_id": pigment_sandbox.SECOND_UPLOAD_CONFIGURATION_ID},
    ),
    DemoRun("pigment", "pigment_trigger_and_wait", "trigger_import"),
    DemoRun("pigment", "pigment_sensor", "wait_for_import"),
    DemoRun("bloomreach", "bloomreach_start_import", "start_import", waits=False),
    DemoRun("bloomreach", "bloomreach_run_api_import", "run_import", waits=False),
    DemoRun("blueshift", "blueshift_trigger_import", "trigger_import", waits=False),
)
"""What the demo runs. A vendor joins with a row."""


@dataclass(slots=True)
class Progress:
    """A run under way, and what was seen of it."""

    run: DemoRun
    run_id: str
    started: float
    rows_sent: int | None
    state: str = "queued"
    seconds: float = 0.0
    was_deferred: bool = False
    manifest: dict[str, Any] | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in FINAL_RUN_STATES

    def look(self, airflow: RunningAirflow) -> None:
        """Ask Airflow how the run is doing."""
        state = airflow.run_state(self.run.dag_id, self.run_id)
        task_states = airflow.task_states(self.run.dag_id, self.run_id)
        self.was_deferred |= "deferred" in task_states.values()
        self.seconds = time.monotonic() - self.started
        self.state = state if state in FINAL_RUN_STATES else _busiest(task_states)
        if self.has_ended:
            self.manifest = airflow.xcom(self.run.dag_id, self.run_id, self.run.task_id)

    def count(self, name: str) -> int | None:
        """A count of the manifest, None if there is no manifest or the vendor did not report it."""
        return None if self.manifest is None else self.manifest["counts"][name]

    @property
    def rejected(self) -> int | None:
        return None if self.manifest is None else self.manifest["rejected"]

    def journal(self, sandbox: Sandbox) -> list[Any]:
        """What the sandbox received for this run's import."""
        if self.manifest is None:
            return []
        ids = set(self.manifest["run"].values())
        return [entry for entry in sandbox.entries(self.run.vendor) if entry.run in ids]

    def polls(self, sandbox: Sandbox) -> int:
        return sum(entry.method == "GET" for entry in self.journal(sandbox))

    def problems(self, sandbox: Sandbox) -> list[str]:
        """Whatever is not as it should be."""
        if self.state != "success" or self.manifest is None:
            return [f"the run ended {self.state!r}"]
        starts = sum(entry.acted for entry in self.journal(sandbox))
        expected_state = "succeeded" if self.run.waits else "accepted"
        checks = [
            (self.manifest["state"] == expected_state, f"the import is {self.manifest['state']!r}"),
            (starts == 1, f"the import was started {starts} times"),
            (self.was_deferred == self.run.waits, "the wait was not spent in the triggerer"),
            (not self.rejected, f"{self.rejected} rows were rejected"),
        ]
        if self.run.waits and self.rows_sent is not None:
            inserted = self.count("inserted")
            checks.append((inserted == self.rows_sent, f"{inserted} of {self.rows_sent} rows arrived"))
        return [problem for is_as_it_should, problem in checks if not is_as_it_should]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    options = _parser().parse_args(arguments)
    # An end by SIGTERM unwinds like one by Ctrl-C, so that everything is stopped and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(width=None if sys.stdout.isatty() else 100)
    try:
        return _demonstrate(console, keep=options.keep)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped.")
        return 128 + signal.SIGINT


def _demonstrate(console: Console, *, keep: bool) -> int:
    began = time.monotonic()
    with Sandbox(run_seconds=IMPORT_SECONDS).in_thread() as sandbox:
        console.print(f"Sandbox for {', '.join(sandbox.vendors)}: {sandbox.url}")
        with RunningAirflow(EXAMPLE_DAGS, sandbox.connection_env()) as airflow:
            console.print("Airflow: Dag processor, scheduler, triggerer, API server ...", end=" ")
            airflow.wait_until_ready()
            console.print(f"ready after {time.monotonic() - began:.0f} s: {airflow.url}\n")
            progress = [_trigger(airflow, run) for run in DEMO_RUNS]
            _watch(console, airflow, sandbox, progress)
            problems = _report(console, airflow, sandbox, progress)
            console.print(f"\nTook {time.monotonic() - began:.0f} s. Exit code {int(problems)}.")
            if keep:
                console.print(f"Airflow's UI stays up at {airflow.url} until Ctrl-C.")
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
    return int(problems)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave Airflow and the sandbox up afterwards")
    return parser


def _trigger(airflow: RunningAirflow, run: DemoRun) -> Progress:
    params, rows_sent = dict(run.params), None
    if run.data_set is not None:
        file_path = _export(run.data_set, airflow.home)
        params["file_path"] = str(file_path)
        rows_sent = _rows(file_path)
    run_id = airflow.trigger(run.dag_id, conf=params)
    return Progress(run, run_id, time.monotonic(), rows_sent)


def _export(data_set: str, folder: Path) -> Path:
    """Copy a data set out of its package, as something on this machine would have written it."""
    with resources.as_file(resources.files("vega_datasets") / "_data" / data_set) as source:
        return Path(shutil.copy(source, folder))


def _rows(file_path: Path) -> int:
    with file_path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _busiest(task_states: dict[str, str | None]) -> str:
    order = ("running", "deferred", "up_for_retry", "up_for_reschedule", "scheduled", "queued")
    return next((state for state in order if state in task_states.values()), "queued")


def _watch(console: Console, airflow: RunningAirflow, sandbox: Sandbox, progress: Sequence[Progress]) -> None:
    """Show the runs until all have ended: one refreshed block on a terminal, a line a change elsewhere."""
    deadline = time.monotonic() + RUN_TIMEOUT_SECONDS
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not all(each.has_ended for each in progress) and time.monotonic() < deadline:
            for each in progress:
                _look_at(each, airflow, console)
            if console.is_terminal:
                live.update(_progress_block(progress, sandbox), refresh=True)
            time.sleep(LOOK_SECONDS)


def _look_at(progress: Progress, airflow: RunningAirflow, console: Console) -> None:
    if progress.has_ended:
        return
    state_before = progress.state
    progress.look(airflow)
    if progress.state != state_before and not console.is_terminal:
        console.print(f"{progress.seconds:5.1f} s  {_name(progress.run)}: {progress.state}")


def _progress_block(progress: Sequence[Progress], sandbox: Sandbox) -> Table:
    table = Table("vendor", "Dag", "data", "state", box=None, caption_justify="left")
    table.add_column("seconds", justify="right")
    for each in progress:
        run = each.run
        table.add_row(run.vendor, run.dag_id, _data(run), _coloured(each.state), f"{each.seconds:.1f}")
    table.caption = f"{len(sandbox.journal)} requests received by the sandbox so far"
    return table


def _report(console: Console, airflow: RunningAirflow, sandbox: Sandbox, progress: Sequence[Progress]) -> bool:
    """Show the outcome; True if anything is not as it should be."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("vendor", no_wrap=True)
    table.add_column("Dag", overflow="fold")  # the one that gives way on a narrow terminal
    table.add_column("state", no_wrap=True)
    for heading in ("rows\nsent", "inserted", "rejected", "polls", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in progress:
        state = each.state if each.manifest is None else each.manifest["state"]
        numbers = (each.rows_sent, each.count("inserted"), each.rejected, each.polls(sandbox))
        dag = each.run.dag_id if each.run.data_set is None else f"{each.run.dag_id}\n[dim]{each.run.data_set}[/]"
        cells = (each.run.vendor, dag, _coloured(state), *map(_number, numbers), f"{each.seconds:.1f}")
        table.add_row(*cells)
    console.print()
    console.print(table)
    problems = [(each, problem) for each in progress for problem in each.problems(sandbox)]
    for each, problem in problems:
        console.print(f"[red]{_name(each.run)}: {problem}[/red]")
        console.print(airflow.task_log(each.run.dag_id, each.run_id, each.run.task_id), markup=False)
    if not problems:
        console.print("Every row arrived, every import was started once, every wait was in the triggerer.")
    return bool(problems)


def _name(run: DemoRun) -> str:
    return run.dag_id if run.data_set is None else f"{run.dag_id} ({run.data_set})"


def _data(run: DemoRun) -> str:
    return run.data_set or "-"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _coloured(state: str) -> str:
    colours = {"success": "green", "succeeded": "green", "failed": "red", "deferred": "magenta"}
    return f"[{colours.get(state, 'cyan')}]{state}[/]"


if __name__ == "__main__":
    sys.exit(main())

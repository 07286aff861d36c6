"""`make soak`: hundreds of imports of all vendors in a real Airflow, over vendors that fail one call in five.

Exit code 0 if every import was started exactly once or reported as unknown, none was left running, and none is green
that failed. A seed makes the faults repeatable.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.testing.proxy import HOST, ProxyServer
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Sequence

DAGS = Path(__file__).parent / "dags"
DAG = "soak"
RUN_SECONDS = 3.0
TIMEOUT_SECONDS = 2.0
#: One call in five fails, each of these ways as often as the others.
FAILING_SHARE = 0.2
FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "reset", "when": "before"},
    {"fault": "reset", "when": "after"},
    {"fault": "timeout", "when": "before", "seconds": 4},
    {"fault": "timeout", "when": "after", "seconds": 4},
    {"fault": "status", "status": 500, "when": "before"},
    {"fault": "status", "status": 503, "when": "after"},
    {"fault": "rate_limit", "seconds": 1},
    {"fault": "html", "when": "after"},
    {"fault": "truncated_json"},
    {"fault": "empty"},
)
STARTS = {
    "pigment": "push_csv",
    "websale": "start_import",
    "rocketchat": "run_import",
    "bloomreach": "start_import",
    "blueshift": "trigger_customer_import",
}


@dataclass
class Tally:
    """What became of one vendor's imports."""

    tasks: int = 0
    green: int = 0
    unknown: int = 0
    refused: int = 0
    other: list[str] = field(default_factory=list)
    started: int = 0
    calls: int = 0
    faults: int = 0
    runs: Counter[str] = field(default_factory=Counter)

    @property
    def problems(self) -> list[str]:
        """Every breach of the promise."""
        found = list(self.other)
        twice = [run for run, count in self.runs.items() if count > 1]
        if twice:
            found.append(f"{len(twice)} imports are claimed by two tasks")
        if not self.green <= self.started <= self.green + self.unknown:
            found.append(f"{self.started} imports started for {self.green} green and {self.unknown} unknown tasks")
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--imports", type=int, default=300, help="about how many imports (default 300)")
    parser.add_argument("--seed", type=int, default=20261122, help="of the faults")
    parser.add_argument("--proxy", action="store_true", help="reach every vendor through an HTTP proxy")
    options = parser.parse_args(arguments)
    console = Console()
    conf = {
        "pigment": options.imports * 4 // 10,
        "websale": options.imports * 2 // 10,
        "rocketchat": max(1, options.imports // 20),
        "bloomreach": options.imports * 35 // 100 - 2,
    }
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(run_seconds=RUN_SECONDS).in_thread())
        proxy = stack.enter_context(ProxyServer()) if options.proxy else None
        sandbox.change_settings(
            pigment={"requests_per_window": None, "pushes_per_hour": None}, rocketchat={"calls_per_window": None}
        )
        with RunningAirflow(DAGS, _connections(sandbox, proxy)) as airflow:
            airflow.wait_until_ready()
            for number, fault in enumerate(FAULTS):
                # each is asked after those before it have let a call pass
                share = FAILING_SHARE / len(FAULTS) / (1 - FAILING_SHARE * number / len(FAULTS))
                sandbox.add_fault(**fault, probability=share, count=None, seed=options.seed + number)
            began = time.monotonic()
            run_id = airflow.trigger(DAG, conf=conf)
            airflow.wait_for_run(DAG, run_id, timeout=1800)
            took = time.monotonic() - began
            sandbox.clear_faults()
            tallies = _tallies(airflow, run_id, sandbox)
            left = _left_running(sandbox)
    _print(console, tallies, took)
    if proxy is not None:
        console.print(f"{len(proxy.requests)} connections, each through a proxy.")
    problems = [f"{vendor}: {problem}" for vendor, tally in tallies.items() for problem in tally.problems] + left
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    console.print(f"Seed {options.seed}, {took:.0f} s. Exit code {int(bool(problems))}.")
    return int(bool(problems))


def _connections(sandbox: Sandbox, proxy: ProxyServer | None) -> dict[str, str]:
    """Connections to the sandbox, directly or by a name that only the proxy knows."""
    connections = {}
    for name, value in sandbox.connection_env().items():
        connection = json.loads(value)
        extra = connection.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        extra |= {"timeout": TIMEOUT_SECONDS, "requests_per_minute": 6000}
        if proxy is not None:
            connection["host"] = connection["host"].replace("127.0.0.1", HOST)
            extra |= {"proxies": proxy.url, "allow_http": True}
        connections[name] = json.dumps({**connection, "extra": extra})
    return connections


def _tallies(airflow: RunningAirflow, run_id: str, sandbox: Sandbox) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for entry in sandbox.journal:
        tally = tallies[entry.vendor]
        tally.calls += 1
        tally.faults += entry.fault is not None
        tally.started += entry.acted and entry.operation == STARTS[entry.vendor]
    for task in airflow.task_instances(DAG, run_id):
        vendor = task["task_id"]
        if vendor not in STARTS:
            continue
        tally = tallies[vendor]
        tally.tasks += 1
        if task["state"] == "success":
            tally.green += 1
            manifest = airflow.xcom(DAG, run_id, vendor, map_index=task["map_index"])
            if manifest["state"] not in ("succeeded", "accepted"):
                tally.other.append(f"green with state {manifest['state']}")
            if vendor in ("pigment", "websale", "rocketchat"):
                tally.runs[json.dumps(manifest["run"], sort_keys=True)] += 1
            continue
        log = airflow.task_log(DAG, run_id, vendor, task["try_number"], map_index=task["map_index"])
        if "UnknownOutcomeError" in log:
            tally.unknown += 1
        elif "VendorRequestError" in log:
            tally.refused += 1
        else:
            failures = [line.partition("'exc_type'")[2] for line in log.splitlines() if "'exc_type'" in line]
            told = failures[-1] if failures else log[-600:]
            tally.other.append(f"task {task['map_index']} is {task['state']}: {told[:600]}")
    return dict(tallies)


def _left_running(sandbox: Sandbox) -> list[str]:
    running = sum(1 for _ in sandbox.vendors["pigment"].running())
    return [f"pigment: {running} imports still run"] if running else []


def _print(console: Console, tallies: dict[str, Tally], took: float) -> None:
    table = Table(
        title=f"{sum(tally.tasks for tally in tallies.values())} imports over vendors that fail one call in five"
    )
    for name in ("vendor", "imports", "green", "unknown", "refused", "started", "calls", "calls that failed"):
        table.add_column(name, justify="left" if name == "vendor" else "right")
    for vendor, tally in sorted(tallies.items()):
        share = tally.faults / tally.calls if tally.calls else 0
        numbers = (tally.tasks, tally.green, tally.unknown, tally.refused, tally.started, tally.calls)
        table.add_row(vendor, *map(str, numbers), f"{tally.faults} ({share:.0%})")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())

"""Hundreds of deferred imports on the triggerer of a really running Airflow, against as many deferrable HttpSensors."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.benchmarks.figure import Figure, Goal, Row, machine
from tests.benchmarks.vendor import VendorProcess
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

TITLE = "In a running Airflow: deferred imports on one triggerer"
#: Seconds between two looks, of both.
INTERVAL = 10
#: Seconds between the ends of two imports, so that the workers can keep up.
EVERY = 1.0
WATCHED_SECONDS = 30.0
DEFER_SECONDS = 1800.0
DAGS = """
from airflow.sdk import DAG
from airflow.providers.http.sensors.http import HttpSensor
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator

with DAG("imports", max_active_tasks={imports}):
    PigmentTriggerImportOperator.partial(
        task_id="wait", deferrable=True, poll_interval={interval}, max_poll_interval={interval}
    ).expand(configuration_id=["3fa85f64-5717-4562-b3fc-%012x" % number for number in range({imports})])

with DAG("http_sensor", max_active_tasks={imports}):
    HttpSensor.partial(task_id="wait", deferrable=True, poke_interval={interval}).expand(
        endpoint=[f"sensor/{{number}}" for number in range({imports})]
    )
"""


def run(options: argparse.Namespace) -> Figure:
    """Defer, watch the triggerer, let the imports end, and see when Airflow goes on."""
    count = options.airflow_imports
    found = {dag_id: _measure(dag_id, count) for dag_id in ("imports", "http_sensor")}
    ours, theirs = found["imports"], found["http_sensor"]
    words = {
        "cpu": ("triggerer's processor share, % of a core", Goal(1.0)),
        "memory": ("triggerer's memory, MiB", Goal(1.0)),
        "noticed": ("vendor's end until the trigger's event is stored, s (mean)", None),
        "resumed": ("vendor's end until the task has ended, s (mean)", None),
    }
    rows = [
        Row(what, ours[key], "deferrable HttpSensor", theirs[key], goal=goal) for key, (what, goal) in words.items()
    ]
    return Figure(
        __name__.rpartition(".")[2],
        f"{TITLE} ({count:,})",
        rows,
        remarks=[
            f"{count:,} mapped tasks of one DAG, a look every {INTERVAL} s each; one import ends every {EVERY:g} s. "
            "SQLite, LocalExecutor; the triggerer itself stores events once a second."
        ],
        machine=machine(),
    )


def _measure(dag_id: str, count: int) -> dict[str, float]:
    with VendorProcess() as vendor, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dags.py").write_text(DAGS.format(imports=count, interval=INTERVAL))
        extra = {"requests_per_minute": 1_000_000}
        connections = {
            "AIRFLOW_CONN_PIGMENT_DEFAULT": json.dumps(
                {"conn_type": "pigment", "host": vendor.url, "password": "0123456789abcdef", "extra": extra}
            ),
            "AIRFLOW_CONN_HTTP_DEFAULT": json.dumps({"conn_type": "http", "host": vendor.url}),
        }
        with RunningAirflow(Path(folder), connections) as airflow:
            airflow.wait_until_ready()
            run_id = airflow.trigger(dag_id)
            _wait_until(lambda: len(_states(airflow, run_id, "deferred")) == count, DEFER_SECONDS)
            found = _watch(airflow)
            began = vendor.end(EVERY)
            left = _times_of_leaving(airflow, run_id, count, began)
            airflow.wait_for_run(dag_id, run_id, timeout=DEFER_SECONDS)
            ended = _end_times(airflow, run_id)
        ends = [began + number * EVERY for number in range(count)]
        found["noticed"] = statistics.fmean(left) - statistics.fmean(ends)
        found["resumed"] = statistics.fmean(ended) - statistics.fmean(ends)
    return found


def _watch(airflow: RunningAirflow) -> dict[str, float]:
    """Processor share and memory of the triggerer while all wait."""
    before = _processor_seconds(airflow)
    time.sleep(WATCHED_SECONDS)
    share = (_processor_seconds(airflow) - before) / WATCHED_SECONDS
    memory = sum(process.memory_info().rss for process in airflow.processes("triggerer"))
    return {"cpu": 100 * share, "memory": memory / (1 << 20)}


def _processor_seconds(airflow: RunningAirflow) -> float:
    total = 0.0
    for process in airflow.processes("triggerer"):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _times_of_leaving(airflow: RunningAirflow, run_id: str, count: int, began: float) -> list[float]:
    """When each task left its deferral, as seen from outside, in order."""
    left: list[float] = []
    deadline = began + count * EVERY + DEFER_SECONDS
    while len(left) < count:
        gone = count - len(_states(airflow, run_id, "deferred"))
        left += [time.time()] * (gone - len(left))
        if time.time() > deadline:
            raise TimeoutError(f"{count - len(left)} of {count} tasks are still deferred")
        time.sleep(0.2)
    return left


def _states(airflow: RunningAirflow, run_id: str, state: str) -> list[str]:
    query = "SELECT map_index FROM task_instance WHERE run_id = ? AND state = ?"
    return [str(index) for (index,) in _query(airflow, query, run_id, state)]


def _end_times(airflow: RunningAirflow, run_id: str) -> list[float]:
    query = "SELECT end_date FROM task_instance WHERE run_id = ?"
    moments = [datetime.fromisoformat(str(moment)) for (moment,) in _query(airflow, query, run_id)]
    return [(one if one.tzinfo else one.replace(tzinfo=UTC)).timestamp() for one in moments]


def _query(airflow: RunningAirflow, query: str, *values: str) -> list[tuple[object]]:
    with closing(sqlite3.connect(f"file:{airflow.home}/airflow.db?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query, values).fetchall()


def _wait_until(reached: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("the tasks were not deferred in time")
        time.sleep(0.5)

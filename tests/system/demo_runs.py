"""What `make demo` runs: each vendor's example DAGs at the same time, then all vendors in one pipeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox import pigment as pigment_sandbox
from tests.system import demo_data
from tests.system.running_airflow import FINAL_RUN_STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

STARTS = frozenset({"push_csv", "trigger_import", "start_import", "run_import", "trigger_customer_import"})
"""Operations at the vendors that start an import."""
FINAL_TASK_STATES = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
BLOOMREACH_SOURCE = "bloomreach_customers.csv"
"""The file that Bloomreach's imports load, in Airflow's folder."""
STATES_BY_INTEREST = ("running", "deferred", "up_for_retry", "up_for_reschedule", "scheduled", "queued")


@dataclass(frozen=True, slots=True)
class DemoImport:
    """One import: a row of the demo's tables.

    :param vendor: the sandbox's name of the vendor
    :param task_id: the task that returns the manifest
    :param data: what is sent, a data set of `demo_data`
    :param map_index: of a mapped task
    :param waits: whether the task waits for the import's end, in the triggerer
    :param rejected: rows that the vendor must reject
    :param is_evidence: the task waits for the arrival of one record, of an import that another task has started
    """

    vendor: str
    task_id: str
    data: str | None = None
    map_index: int = -1
    waits: bool = True
    rejected: int = 0
    is_evidence: bool = False


@dataclass(frozen=True, slots=True)
class DemoRun:
    """A run of an example DAG.

    :param dag_id: a DAG of `example_dags/`
    :param imports: what it imports
    :param params: its parameters; a :class:`File` becomes the path of that data set
    :param late: a data set that is delivered while the DAG's tasks wait already
    :param wakes: the DAG that its asset events wake
    """

    dag_id: str
    imports: tuple[DemoImport, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    late: str | None = None
    wakes: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A data set, where a parameter is to be its path."""

    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A file that the DAG itself writes, where a parameter is to be its address."""

    name: str


def _one(
    vendor: str, dag_id: str, task_id: str, data: str | None = None, *, waits: bool = True, **params: Any
) -> DemoRun:
    """A DAG with one import, whose data are its parameter `file_path`."""
    files = {} if data is None else {"file_path": File(data)}
    return DemoRun(dag_id, (DemoImport(vendor, task_id, data, waits=waits),), {**files, **params})


EACH_VENDOR = (
    _one("pigment", "pigment_push_csv", "push_csv", "us-employment.csv"),
    _one(
        "pigment",
        "pigment_push_csv",
        "push_csv",
        "airports.csv",
        configuration_id=pigment_sandbox.SECOND_UPLOAD_CONFIGURATION_ID,
    ),
    _one("pigment", "pigment_trigger_and_wait", "trigger_import"),
    _one("pigment", "pigment_sensor", "wait_for_import"),
    _one("pigment", "pigment_by_name", "trigger_import"),
    _one("websale", "websale_start_and_wait", "start_import", "products.json"),
    DemoRun("websale_start_query", (DemoImport("websale", "start_query", demo_data.STOCK),)),
    _one("websale", "websale_sensor", "wait_for_import"),
    _one("rocketchat", "rocketchat_import_users", "import_users", "staff.csv"),
    _one("bloomreach", "bloomreach_start_import", "start_import", waits=False),
    _one("bloomreach", "bloomreach_run_api_import", "run_import", waits=False),
    DemoRun(
        "bloomreach_arrival",
        (
            DemoImport("bloomreach", "start_import", waits=False),
            DemoImport("bloomreach", "wait_for_the_stamp", is_evidence=True),
        ),
        {"upload_to": Place(BLOOMREACH_SOURCE)},
    ),
    _one("blueshift", "blueshift_trigger_import", "trigger_import", waits=False),
)
"""The example DAGs, side by side. A vendor joins with a row."""

POOL = "imports"
PIPELINE = DemoRun(
    "nightly_launch",
    (
        DemoImport("pigment", "push_plan", "us-employment.csv", map_index=0),
        DemoImport("pigment", "push_plan", "airports.csv", map_index=1),
        DemoImport("websale", "import_products", "products.json"),
        DemoImport("rocketchat", "import_staff", "new-staff.csv", rejected=demo_data.ALREADY_THERE),
        DemoImport("bloomreach", "start_bloomreach", waits=False),
        DemoImport("blueshift", "trigger_blueshift", waits=False),
    ),
    {
        "plans": [
            {
                "configuration_id": pigment_sandbox.UPLOAD_CONFIGURATION_ID,
                "file_path": File("us-employment.csv"),
            },
            {
                "configuration_id": pigment_sandbox.SECOND_UPLOAD_CONFIGURATION_ID,
                "file_path": File("airports.csv"),
            },
        ],
        "products_file": File("products.json"),
        "staff_file": File("new-staff.csv"),
        "customers_file": File("customers.csv"),
    },
    late="customers.csv",
    wakes="launch_report",
)
"""All vendors in one DAG, after the others: it uses the same slots."""


@dataclass(slots=True)
class Row:
    """An import under way, and what was seen of it."""

    dag_id: str
    what: DemoImport
    rows_sent: int | None
    state: str = "queued"
    was_deferred: bool = False
    seconds: float = 0.0
    manifest: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.dag_id} {self.what.task_id}" + (f" ({self.what.data})" if self.what.data else "")

    @property
    def task(self) -> str:
        """The task as `RunningAirflow.task_states` names it."""
        return self.what.task_id if self.what.map_index < 0 else f"{self.what.task_id}[{self.what.map_index}]"

    @property
    def has_run(self) -> bool:
        """The task has run, so it has a log."""
        return self.state in ("success", "failed")

    @property
    def import_state(self) -> str:
        """The import's state if there is a manifest, else the task's."""
        return self.state if self.manifest is None else str(self.manifest["state"])

    @property
    def arrived(self) -> int | None:
        """Rows that got in: inserted and updated, or what was processed and not rejected; None if nobody told."""
        if self.manifest is None:
            return None
        counts = self.manifest["counts"]
        if counts["inserted"] is not None:
            return int(counts["inserted"] + (counts["updated"] or 0))
        return None if counts["processed"] is None else int(counts["processed"] - (self.rejected or 0))

    @property
    def rejected(self) -> int | None:
        return None if self.manifest is None else self.manifest["rejected"]

    def polls(self, sandbox: Sandbox) -> int:
        """How often the vendor was asked about this import."""
        return sum(entry.method == "GET" for entry in self._journal(sandbox))

    def problems(self, sandbox: Sandbox, siblings: Sequence[Row]) -> list[str]:
        """Whatever is not as it should be.

        :param siblings: all rows; a vendor that gives a run no id shows theirs in the same place
        """
        if self.state != "success" or self.manifest is None:
            return [f"the task ended {self.state!r}"]
        starts = sum(entry.acted and entry.operation in STARTS for entry in self._journal(sandbox))
        wanted_starts = sum(row.manifest is not None and row._run == self._run for row in siblings)
        if self.what.is_evidence:
            wanted_starts = 0  # another task's
        wanted_state = "evidence" if self.what.is_evidence else "succeeded" if self.what.waits else "accepted"
        checks = [
            (self.manifest["state"] == wanted_state, f"the import is {self.manifest['state']!r}"),
            (starts == wanted_starts, f"{starts} starts instead of {wanted_starts}"),
            (self.was_deferred == self.what.waits, "the wait was not spent in the triggerer"),
            ((self.rejected or 0) == self.what.rejected, f"{self.rejected} rows were rejected"),
        ]
        if self.what.waits and self.rows_sent is not None:
            wanted = self.rows_sent - self.what.rejected
            checks.append((self.arrived == wanted, f"{self.arrived} rows arrived instead of {wanted}"))
        return [problem for is_as_it_should, problem in checks if not is_as_it_should]

    @property
    def _run(self) -> Any:
        return None if self.manifest is None else (self.what.vendor, self.manifest["run"])

    def _journal(self, sandbox: Sandbox) -> list[Any]:
        if self.manifest is None:
            return []
        ids = set(self.manifest["run"].values())
        return [entry for entry in sandbox.entries(self.what.vendor) if entry.run in ids]


class Progress:
    """A run under way."""

    def __init__(self, airflow: RunningAirflow, run: DemoRun) -> None:
        self.run = run
        self._airflow = airflow
        on_time = {one.data for one in run.imports if one.data is not None} | _files(run.params) - {run.late}
        paths = {name: demo_data.write(name, airflow.home) for name in on_time}
        sent = {name: demo_data.rows(path) for name, path in paths.items()}
        self.rows = [Row(run.dag_id, one, None if one.data is None else sent[one.data]) for one in run.imports]
        if run.wakes is not None:
            airflow.unpause(run.wakes)
        self.run_id = airflow.trigger(run.dag_id, conf=_with_paths(run.params, airflow.home))
        self._started = time.monotonic()
        self._is_late = run.late is not None
        self.state = "queued"
        self.report: Any = None

    @property
    def has_ended(self) -> bool:
        """The run has ended, and so has the one that it wakes."""
        woken = self.run.wakes is None or self.report is not None
        return self.state == "failed" or (self.state == "success" and woken)

    def look(self) -> None:
        """Ask Airflow how the run is doing."""
        self.state = self._airflow.run_state(self.run.dag_id, self.run_id)
        tasks = self._airflow.task_states(self.run.dag_id, self.run_id)
        for row in self.rows:
            self._look_at(row, tasks)
        if self._is_late and any(row.was_deferred for row in self.rows):
            self._is_late = False
            demo_data.write(str(self.run.late), self._airflow.home)
        if self.state == "success" and self.run.wakes is not None:
            self.report = self._read_report(self.run.wakes)

    def problems(self, sandbox: Sandbox, siblings: Sequence[Row]) -> list[tuple[Row | None, str]]:
        """Whatever is not as it should be, with the import it concerns."""
        found: list[tuple[Row | None, str]] = [
            (row, problem) for row in self.rows for problem in row.problems(sandbox, siblings)
        ]
        if self.state != "success":
            found.append((None, f"{self.run.dag_id}: the run ended {self.state!r}"))
        if self.run.wakes is not None:
            found += [(None, problem) for problem in self._problems_of_report()]
        return found

    def log(self, row: Row) -> str:
        """Log of an import's task."""
        what = row.what
        return self._airflow.task_log(self.run.dag_id, self.run_id, what.task_id, map_index=what.map_index)

    def _look_at(self, row: Row, tasks: Mapping[str, str | None]) -> None:
        if row.manifest is not None or row.state in FINAL_TASK_STATES:
            return
        row.seconds = time.monotonic() - self._started
        states = tasks if len(self.run.imports) == 1 else {row.task: tasks.get(row.task)}
        row.was_deferred |= "deferred" in states.values()
        own = tasks.get(row.task)
        row.state = own if own in FINAL_TASK_STATES else _most_interesting(states.values())
        if row.state == "success":
            row.manifest = self._airflow.xcom(
                self.run.dag_id, self.run_id, row.what.task_id, map_index=row.what.map_index
            )
            # A short wait may lie between two looks.
            row.was_deferred = row.was_deferred or "Pausing task as DEFERRED" in self.log(row)

    def _problems_of_report(self) -> list[str]:
        """The woken DAG must have been told what the manifests say."""
        by_vendor = {row.what.vendor: row.manifest or {} for row in self.rows}
        told = self.report or {}
        wrong = [name for name, told_of in told.items() if told_of != {k: by_vendor[name].get(k) for k in told_of}]
        return [f"{self.run.wakes} was told {told}"] if wrong or not told else []

    def _read_report(self, dag_id: str) -> Any:
        for run_id in self._airflow.run_ids(dag_id):
            if self._airflow.run_state(dag_id, run_id) in FINAL_RUN_STATES:
                return self._airflow.xcom(dag_id, run_id, "add_up") or {}
        return None


def _most_interesting(states: Iterable[str | None]) -> str:
    there = set(states)
    return next((state for state in STATES_BY_INTEREST if state in there), "queued")


def _files(value: Any) -> set[str]:
    """Names of all data sets in parameters."""
    if isinstance(value, File):
        return {value.name}
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {name for one in inner for name in _files(one)}


def _with_paths(value: Any, folder: Path) -> Any:
    if isinstance(value, File):
        return str(folder / value.name)
    if isinstance(value, Place):
        return (folder / value.name).as_uri()
    if isinstance(value, Mapping):
        return {name: _with_paths(one, folder) for name, one in value.items()}
    return [_with_paths(one, folder) for one in value] if isinstance(value, list) else value

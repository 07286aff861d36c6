"""SIGKILL of the triggerer while imports are waited for, as when its machine is lost, and a new one after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

pytestmark = [pytest.mark.system, pytest.mark.long]

CSV = "month,nonfarm\n2006-01-01,135450\n2006-02-01,135762\n"
TIMEOUT = 25  # of the DAG pigment_with_timeout
LATENESS = 10  # a triggerer's start, the scheduler's and the worker's reaction, on a busy machine


@dataclass
class Runs:
    """A run whose import ends in time, and one whose import never ends."""

    ends: str
    never_ends: str


@pytest.fixture(scope="module")
def runs(airflow: RunningAirflow, session_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Two runs whose triggerer was killed and replaced while they waited, and which have ended since."""
    csv_file = tmp_path_factory.mktemp("data") / "employment.csv"
    csv_file.write_text(CSV)
    session_sandbox.reset()
    session_sandbox.change_settings(run_seconds=15)
    ends = airflow.trigger("pigment_push_csv", {"file_path": str(csv_file)})
    airflow.wait_for_deferral("pigment_push_csv", ends, "push_csv")
    session_sandbox.change_settings(run_seconds=3600)
    never_ends = airflow.trigger("pigment_with_timeout")
    airflow.wait_for_deferral("pigment_with_timeout", never_ends, "trigger_import")

    airflow.kill("triggerer")
    airflow.start("triggerer")

    airflow.wait_for_run("pigment_push_csv", ends)
    airflow.wait_for_run("pigment_with_timeout", never_ends)
    return Runs(ends, never_ends)


def test_the_import_is_not_started_again(runs: Runs, session_sandbox: Sandbox) -> None:
    acted = [entry.operation for entry in session_sandbox.entries("pigment") if entry.acted]

    assert acted == ["push_csv", "trigger_import"]


def test_the_task_ends_green(runs: Runs, airflow: RunningAirflow) -> None:
    assert airflow.task_states("pigment_push_csv", runs.ends) == {"push_csv": "success"}

    manifest = airflow.xcom("pigment_push_csv", runs.ends, "push_csv")
    assert manifest["state"] == "succeeded"
    assert manifest["counts"]["inserted"] == 2


def test_the_deadline_has_not_moved(runs: Runs, airflow: RunningAirflow) -> None:
    (task,) = airflow.task_instances("pigment_with_timeout", runs.never_ends)

    started = datetime.fromisoformat(task["start_date"])
    ended = datetime.fromisoformat(task["end_date"])
    log = airflow.task_log("pigment_with_timeout", runs.never_ends, "trigger_import")
    assert task["state"] == "failed"
    assert "ImportTimeoutError" in log
    assert TIMEOUT <= (ended - started).total_seconds() < TIMEOUT + LATENESS

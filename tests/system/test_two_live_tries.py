"""
Two live tries of one task, in a running Airflow.

The first try stops between two steps of its start (SIGSTOP) and its heartbeats are withheld, so Airflow believes it
dead and starts a second one. When that one has decided what to do, the first goes on (SIGCONT), unhindered.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest

from airflow_provider_imports.sandbox import Sandbox
from tests.system.dags.at_each_step import SENDS_LATER, STOPPED, WITHHELD
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.long]

DAG, RUN = "stopped_at_each_step", "a_run"
TASKS = {f"{vendor}_{step}": vendor for vendor, steps in STOPPED.items() for step in steps}
STARTS = {"websale": "start_import", "rocketchat": "run_import", "pigment": "trigger_import"}
PATIENCE = 240
#: Seconds without a heartbeat after which Airflow believes a try dead.
HEARTBEAT_TIMEOUT = 20
#: What a second try says that neither ends nor starts anything while the first is stopped.
WAITS_FOR_THE_FIRST = ("Another task of this machine is starting an import", "Nothing is started until then")

#: Airflow imports this wherever it starts, so it is in the process that runs a task and sends its heartbeats.
LOCAL_SETTINGS = f"""
import os
from pathlib import Path

from airflow.sdk.execution_time.supervisor import ActivitySubprocess

send = ActivitySubprocess._send_heartbeat_if_needed


def send_unless_withheld(self):
    if not Path(os.environ["AIRFLOW_HOME"], "{WITHHELD}", str(self.id)).exists():
        send(self)


ActivitySubprocess._send_heartbeat_if_needed = send_unless_withheld
"""

every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[dict[str, Sandbox]]:
    """The vendor of each task."""
    with ExitStack() as stack:
        settings = {"rocketchat": {"calls_per_window": None}}
        yield {task: stack.enter_context(Sandbox(settings=settings).in_thread()) for task in TASKS}


@pytest.fixture(scope="module")
def airflow(dags_folder: Path, sandboxes: dict[str, Sandbox]) -> Iterator[RunningAirflow]:
    """An Airflow of its own, which soon believes a try dead."""
    connections = {
        f"AIRFLOW_CONN_{task.upper()}": json.dumps(sandboxes[task].connection(vendor)) for task, vendor in TASKS.items()
    }
    config = {
        "core.parallelism": str(2 * len(TASKS)),
        "scheduler.task_instance_heartbeat_timeout": str(HEARTBEAT_TIMEOUT),
        "scheduler.task_instance_heartbeat_timeout_detection_interval": "1",
    }
    airflow = RunningAirflow(dags_folder, connections, config=config)
    (airflow.home / WITHHELD).mkdir()
    (airflow.home / "config").mkdir()
    (airflow.home / "config" / "airflow_local_settings.py").write_text(LOCAL_SETTINGS)
    with airflow:
        airflow.wait_until_ready()
        yield airflow


@pytest.fixture(scope="module", autouse=True)
def both_tries_lived(airflow: RunningAirflow) -> None:
    """Every first try has gone on after the second one had decided, and everything has ended."""
    airflow.trigger(DAG, run_id=RUN)
    first_tries = airflow.wait_for(lambda: all_stopped(airflow), PATIENCE, "all first tries to stop")
    for task in TASKS:
        airflow.wait_for(lambda task=task: has_decided(airflow, task) or None, PATIENCE, f"the second try of {task}")
    for process in first_tries:
        process.resume()
    psutil.wait_procs(first_tries, PATIENCE)
    assert not any(process.is_running() for process in first_tries)
    airflow.wait_for_run(DAG, RUN, PATIENCE)


def all_stopped(airflow: RunningAirflow) -> list[psutil.Process] | None:
    stopped = [process for process in airflow.processes("scheduler") if is_stopped(process)]
    return stopped if len(stopped) == len(TASKS) else None


def is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def has_decided(airflow: RunningAirflow, task: str) -> bool:
    """The newest try, which is not the first, has ended, or waits for what the first one does."""
    if airflow.task_states(DAG, RUN)[task] in ("success", "failed"):
        return True
    log = log_of_newest_try(airflow, task)
    return any(line in log for line in WAITS_FOR_THE_FIRST)


def log_of_newest_try(airflow: RunningAirflow, task: str) -> str:
    (seen,) = (one for one in airflow.task_instances(DAG, RUN) if one["task_id"] == task)
    return airflow.log_if_any(DAG, RUN, task, seen["try_number"]) or ""  # none if a new try has begun since


def starts(sandboxes: dict[str, Sandbox], task: str) -> list[str | None]:
    """Imports that a task's vendor began."""
    return [entry.run for entry in sandboxes[task].entries(operation=STARTS[TASKS[task]]) if entry.acted]


@every_task
def test_the_vendor_never_starts_two_imports(sandboxes: dict[str, Sandbox], task: str) -> None:
    # where Pigment's start was intended but not sent, the second try asks, and the first one sees that it did
    assert len(starts(sandboxes, task)) == (0 if task == "pigment_after_intent" else 1)


@every_task
def test_a_task_is_green_only_with_the_import_that_was_started(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], task: str
) -> None:
    if task in ("pigment_after_intent", "pigment_before_first_byte"):
        assert airflow.task_states(DAG, RUN)[task] == "failed"
        assert "if no import was started, clear the task" in log_of_newest_try(airflow, task)
    else:
        assert airflow.task_states(DAG, RUN)[task] == "success"
        assert starts(sandboxes, task)[0] in airflow.xcom(DAG, RUN, task)["run"].values()


@every_task
def test_the_first_try_goes_on_and_sees_that_another_one_is_at_work(airflow: RunningAirflow, task: str) -> None:
    log = airflow.task_log(DAG, RUN, task, try_number=1)

    assert "Task failed with exception" in log
    assert "Terminating process" not in log, "it ended by itself"
    assert ("Started " in log) is task.endswith(SENDS_LATER)
    assert ("AnotherTryError" in log) is task.endswith(("after_intent", "after_staging"))


def test_clearing_starts_the_import_that_neither_try_started(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox]
) -> None:
    airflow.clear_task(DAG, RUN, "pigment_after_intent")

    assert airflow.wait_for_run(DAG, RUN, PATIENCE) in ("success", "failed")
    assert airflow.task_states(DAG, RUN)["pigment_after_intent"] == "success"
    assert len(starts(sandboxes, "pigment_after_intent")) == 1

"""The machinery that the demo, the benchmarks and the other tests here stand on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.system.guarded_process import GuardedProcess
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.system

LEAVES_AN_ORPHAN_BEHIND = """
import os, sys, time
if os.fork() == 0:
    os.setsid()  # out of reach of a signal to the process group
    open(sys.argv[1], "w").write(str(os.getpid()))
    time.sleep(3600)
time.sleep(3600)
"""

STARTER_THAT_IS_KILLED = """
import os, signal, sys, time
from pathlib import Path
from tests.system.guarded_process import GuardedProcess

pid_file = Path(sys.argv[1])
GuardedProcess(
    [sys.executable, "-c", sys.argv[2], str(pid_file)],
    environment=os.environ, log_file=pid_file.with_suffix(".log"), working_directory=pid_file.parent,
)
while not (pid_file.exists() and pid_file.read_text()):
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def guarded_process_with_orphan(tmp_path: Path) -> tuple[GuardedProcess, psutil.Process]:
    """A guarded process and its child, which has left the process group."""
    pid_file = tmp_path / "orphan.pid"
    process = GuardedProcess(
        [sys.executable, "-c", LEAVES_AN_ORPHAN_BEHIND, str(pid_file)],
        environment=os.environ,
        log_file=tmp_path / "log",
        working_directory=tmp_path,
    )
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "")
    return process, psutil.Process(int(pid_file.read_text()))


def test_a_run_passes_through_worker_and_triggerer(airflow: RunningAirflow, tmp_path: Path) -> None:
    awaited_file = tmp_path / "awaited"
    run_id = airflow.trigger("stock_operators", conf={"file_path": str(awaited_file)})
    airflow.wait_for_deferral("stock_operators", run_id, "wait_in_triggerer")

    awaited_file.touch()

    assert airflow.wait_for_run("stock_operators", run_id, timeout=60) == "success"

    assert airflow.task_states("stock_operators", run_id) == {
        "run_on_worker": "success",
        "wait_in_triggerer": "success",
    }
    assert airflow.xcom("stock_operators", run_id, "run_on_worker") == {"answer": 42}
    assert "a line in the log of the task" in airflow.task_log("stock_operators", run_id, "run_on_worker")
    assert "Trigger fired event" in airflow.task_log("stock_operators", run_id, "wait_in_triggerer")


def test_every_example_can_be_imported(airflow: RunningAirflow, dags_folder: Path) -> None:
    files = {file.name for file in dags_folder.glob("*.py")}

    wait_until(lambda: airflow.import_errors() != {} or files <= files_read(airflow))

    assert airflow.import_errors() == {}


def test_it_listens_on_loopback_only(airflow: RunningAirflow) -> None:
    addresses = airflow.listening_addresses()

    assert {address for address, _ in addresses} == {"127.0.0.1"}
    assert f"http://127.0.0.1:{addresses.pop()[1]}" == airflow.url, "there is one socket, the API server's"


def test_a_task_marked_failed_is_ended(airflow: RunningAirflow) -> None:
    run_id = airflow.trigger("long_task")
    airflow.wait_for_task("long_task", run_id, "sleep_for_an_hour", "running")

    airflow.set_task_state("long_task", run_id, "sleep_for_an_hour", "failed")

    assert airflow.wait_for_run("long_task", run_id, timeout=30) == "failed"
    wait_until(lambda: not any(command(process) == ["sleep", "3600"] for process in airflow.processes()))


def test_a_killed_triggerer_starts_again(airflow: RunningAirflow, tmp_path: Path) -> None:
    awaited_file = tmp_path / "awaited"
    run_id = airflow.trigger("stock_operators", conf={"file_path": str(awaited_file)})
    airflow.wait_for_deferral("stock_operators", run_id, "wait_in_triggerer")

    airflow.kill("triggerer")
    awaited_file.touch()
    airflow.start("triggerer")

    assert airflow.wait_for_run("stock_operators", run_id, timeout=60) == "success"


@pytest.mark.long
def test_nothing_stays_behind_and_a_second_one_starts_beside_the_first(
    airflow: RunningAirflow, dags_folder: Path
) -> None:
    with RunningAirflow(dags_folder) as second:
        second.wait_until_ready()
        run_id = second.trigger("long_task")
        second.wait_for_task("long_task", run_id, "sleep_for_an_hour", "running")
        processes = second.processes()

    assert not [process for process in processes if process.is_running()]
    assert not second.home.exists()
    airflow.wait_until_ready(timeout=10)


def test_an_end_reaches_children_outside_the_process_group(
    guarded_process_with_orphan: tuple[GuardedProcess, psutil.Process],
) -> None:
    process, orphan = guarded_process_with_orphan

    process.end()

    assert not orphan.is_running()


def test_a_killed_component_leaves_no_children(
    guarded_process_with_orphan: tuple[GuardedProcess, psutil.Process],
) -> None:
    process, orphan = guarded_process_with_orphan

    process.send_signal(signal.SIGKILL)

    assert process.wait(timeout=10) == 128 + signal.SIGKILL
    assert not orphan.is_running()


def test_a_killed_starter_takes_everything_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "orphan.pid"

    starter = subprocess.run(
        [sys.executable, "-c", STARTER_THAT_IS_KILLED, str(pid_file), LEAVES_AN_ORPHAN_BEHIND], check=False
    )

    assert starter.returncode == -signal.SIGKILL
    wait_until(lambda: not psutil.pid_exists(int(pid_file.read_text())))


def files_read(airflow: RunningAirflow) -> set[str]:
    dags = airflow.api("GET", "dags", params={"limit": 100})["dags"]
    return {dag["relative_fileloc"] for dag in dags}


def command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def wait_until(condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)

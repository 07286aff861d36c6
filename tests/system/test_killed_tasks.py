"""SIGKILL of the task's process between each two steps of a start, and of the scheduler meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.sandbox import Sandbox
from tests.system.dags.at_each_step import ROCKETCHAT_STEPS, SERVICES, STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.running_airflow import RunningAirflow

pytestmark = [pytest.mark.system, pytest.mark.long]

DAG = "killed_at_each_step"
#: Killed there, nobody can tell whether Pigment got the start, so the second try must not send another.
UNCLEAR = ("after_intent", "after_answer")
RUN_SECONDS = 30


@pytest.fixture(scope="module")
def workspaces() -> Iterator[dict[str, Sandbox]]:
    """A Rocket.Chat for each step: one has a single import operation."""
    with ExitStack() as stack:
        settings = {"rocketchat": {"calls_per_window": None}}
        yield {
            step: stack.enter_context(Sandbox(run_seconds=RUN_SECONDS, settings=settings).in_thread())
            for step in ROCKETCHAT_STEPS
        }


@pytest.fixture(scope="module")
def run_id(
    airflow: RunningAirflow,
    session_sandbox: Sandbox,
    workspaces: dict[str, Sandbox],
    connect: Callable[..., None],
) -> str:
    """A run in which every first try was killed, and the scheduler once."""
    session_sandbox.reset()
    session_sandbox.change_settings(run_seconds=RUN_SECONDS)
    for step, workspace in workspaces.items():
        connect(workspace, step, vendors=["rocketchat"])
    run_id = airflow.trigger(DAG)

    def only_waiting() -> bool | None:
        """No task is on a worker: those are children of the scheduler, and would die with it."""
        states = set(airflow.task_states(DAG, run_id).values())
        return True if "deferred" in states and states <= {"deferred", "success", "failed"} else None

    airflow.wait_for(only_waiting, 120, f"all tasks of {DAG!r} to wait or to have ended")
    airflow.kill("scheduler")
    airflow.start("scheduler")
    airflow.wait_for_run(DAG, run_id, timeout=180)
    return run_id


def test_each_first_try_was_killed(run_id: str, airflow: RunningAirflow) -> None:
    tries = {task["task_id"]: task["try_number"] for task in airflow.task_instances(DAG, run_id)}

    assert tries == dict.fromkeys(tries, 2)
    assert len(tries) == 2 * len(STEPS) + len(ROCKETCHAT_STEPS)


def test_the_vendor_never_starts_an_import_twice(run_id: str, session_sandbox: Sandbox) -> None:
    started = [entry for entry in session_sandbox.journal if entry.acted and entry.operation != "login"]
    pigment = [entry for entry in started if entry.vendor == "pigment"]
    websale = Counter(entry.path for entry in started if entry.vendor == "websale")

    # one for each step but "after_intent", which was killed before it sent anything
    assert [entry.operation for entry in pigment] == ["trigger_import"] * (len(STEPS) - 1)
    assert len(websale) == len(SERVICES)
    assert set(websale.values()) == {1}


@pytest.mark.parametrize("step", ROCKETCHAT_STEPS)
def test_an_import_in_several_calls_runs_once_and_ends_green(
    run_id: str, airflow: RunningAirflow, workspaces: dict[str, Sandbox], step: str
) -> None:
    operations = [entry.run for entry in workspaces[step].entries("rocketchat", "run_import") if entry.acted]

    assert len(operations) == 1
    assert airflow.xcom(DAG, run_id, f"rocketchat_{step}")["run"]["operation_id"] == operations[0]
    assert airflow.xcom(DAG, run_id, f"rocketchat_{step}")["counts"]["inserted"] == 3


@pytest.mark.parametrize("step", STEPS)
def test_a_vendor_that_can_be_asked_ends_green(run_id: str, airflow: RunningAirflow, step: str) -> None:
    assert airflow.task_states(DAG, run_id)[f"websale_{step}"] == "success"


@pytest.mark.parametrize("step", STEPS)
def test_a_vendor_that_cannot_be_asked_ends_green_or_says_that_nobody_knows(
    run_id: str, airflow: RunningAirflow, step: str
) -> None:
    state = airflow.task_states(DAG, run_id)[f"pigment_{step}"]
    assert state == ("failed" if step in UNCLEAR else "success")
    if step in UNCLEAR:
        log = airflow.task_log(DAG, run_id, f"pigment_{step}", try_number=2)
        assert "UnknownOutcomeError" in log
        assert "if no import was started, clear the task" in log

"""A person follows the advice after an unknown outcome, in a running Airflow: clears the task, or marks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

pytestmark = pytest.mark.system

DAG, KILLED_WHILE_IT_ASKS = "unclear_start", "unclear_start_killed_while_it_asks"
TASK = "import_plan"
ADVICE = "if no import was started, clear the task, and it starts one; if one was, mark the task as success"
WARNING = "The task was cleared after it asked, so the import is started: twice, if it was"


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """Pigment begins the first import, and its answer is lost."""
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after")
    return sandbox


def starts(sandbox: Sandbox) -> list[str | None]:
    """Imports that Pigment began."""
    return [entry.run for entry in sandbox.entries("pigment", "trigger_import") if entry.acted]


def try_number(airflow: RunningAirflow, dag_id: str, run_id: str) -> int:
    (task,) = airflow.task_instances(dag_id, run_id)
    return int(task["try_number"])


def test_clearing_the_task_starts_exactly_one_more_import(airflow: RunningAirflow, sandbox: Sandbox) -> None:
    run_id = airflow.trigger(DAG)
    assert airflow.wait_for_run(DAG, run_id) == "failed"
    log = airflow.task_log(DAG, run_id, TASK)
    assert "UnknownOutcomeError" in log
    assert ADVICE in log
    assert try_number(airflow, DAG, run_id) == 1, "there was no retry, though three are allowed"
    assert len(sandbox.entries("pigment", "trigger_import")) == 1

    airflow.clear_task(DAG, run_id, TASK)

    assert airflow.wait_for_run(DAG, run_id) == "success"
    assert WARNING in airflow.task_log(DAG, run_id, TASK, try_number=2)
    assert WARNING not in log
    first, second = starts(sandbox)
    assert airflow.xcom(DAG, run_id, TASK)["run"]["import_id"] == second != first
    assert len(sandbox.entries("pigment", "trigger_import")) == 2


def test_marking_the_task_as_success_starts_nothing(airflow: RunningAirflow, sandbox: Sandbox) -> None:
    run_id = airflow.trigger(DAG)
    assert airflow.wait_for_run(DAG, run_id) == "failed"

    airflow.set_task_state(DAG, run_id, TASK, "success")

    assert airflow.task_states(DAG, run_id) == {TASK: "success"}
    assert try_number(airflow, DAG, run_id) == 1
    assert len(sandbox.entries("pigment", "trigger_import")) == 1


def test_a_retry_is_no_answer_but_clearing_after_it_is(airflow: RunningAirflow, sandbox: Sandbox) -> None:
    run_id = airflow.trigger(KILLED_WHILE_IT_ASKS)
    assert airflow.wait_for_run(KILLED_WHILE_IT_ASKS, run_id) == "failed"
    assert try_number(airflow, KILLED_WHILE_IT_ASKS, run_id) == 2
    assert ADVICE in airflow.task_log(KILLED_WHILE_IT_ASKS, run_id, TASK, try_number=2)
    assert len(sandbox.entries("pigment", "trigger_import")) == 1

    airflow.clear_task(KILLED_WHILE_IT_ASKS, run_id, TASK)

    assert airflow.wait_for_run(KILLED_WHILE_IT_ASKS, run_id) == "success"
    assert WARNING in airflow.task_log(KILLED_WHILE_IT_ASKS, run_id, TASK, try_number=3)
    assert len(starts(sandbox)) == len(sandbox.entries("pigment", "trigger_import")) == 2

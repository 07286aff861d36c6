"""Hundreds of triggers stopped in the same second: Airflow is asked once which of their tasks are still deferred."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.triggers import task_states
from airflow_provider_imports.triggers.task_states import TaskKey, is_still_deferred
from tests.tries import CancelingHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.triggers.imports import ImportTrigger

CANCELING = "tests.tries.CancelingHook"
HUNDREDS = 300
MAPPED = [TaskKey("a_dag", "a_run", "load", index) for index in range(HUNDREDS)]


@dataclass
class Airflow:
    """What a triggerer may ask: answers from the states of its task instances, as the execution API of 3.3 does."""

    states: dict[TaskKey, str | None] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)
    #: Stops what is asked until it is set.
    answering: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def get_task_states(
        self, dag_id: str, task_ids: list[str], run_ids: list[str], map_index: int | None
    ) -> dict[str, dict[str, str | None]]:
        self.questions.append({"dag_id": dag_id, "task_ids": task_ids, "run_ids": run_ids, "map_index": map_index})
        assert self.answering.wait(timeout=10)
        if self.error is not None:
            raise self.error
        found: dict[str, dict[str, str | None]] = {}
        for task, state in self.states.items():
            # -1 is not sent, and means all of them, like None
            if map_index is not None and map_index >= 0 and task.map_index != map_index:
                continue
            if task.dag_id == dag_id and task.run_id in run_ids and task.task_id in task_ids:
                name = task.task_id if task.map_index < 0 else f"{task.task_id}_{task.map_index}"
                found.setdefault(task.run_id, {})[name] = state
        return found


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    """An Airflow that answers."""
    task_runner = pytest.importorskip("airflow.sdk.execution_time.task_runner", reason="Airflow 3 tells a task's state")
    airflow = Airflow()
    airflow.answering.set()
    monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", airflow.get_task_states)
    yield airflow
    airflow.answering.set()


@pytest.fixture
def stopped(make_trigger: Callable[..., ImportTrigger], run: ImportRun) -> Callable[..., list[ImportTrigger]]:
    """Triggers of these tasks, with imports that Pigment does not know, but for one: ``ours`` says which."""

    def of(tasks: Iterable[TaskKey], ours: int | None = None) -> list[ImportTrigger]:
        triggers = []
        for n, task in enumerate(tasks):
            import_id = run.key["import_id"] if n == ours else f"import-{n}"
            trigger = make_trigger(hook=CANCELING, run={**run.to_json(), "key": {"import_id": import_id}})
            trigger.task_instance = SimpleNamespace(**task._asdict())
            triggers.append(trigger)
        return triggers

    return of


async def deferred_among(tasks: Iterable[TaskKey]) -> list[bool | None]:
    """What all learn who ask at the same moment."""
    return await asyncio.gather(*map(is_still_deferred, tasks))


# What the triggers do


async def test_hundreds_of_triggers_that_only_moved_ask_one_question_and_cancel_nothing(
    airflow: Airflow, stopped: Callable[..., list[ImportTrigger]], sandbox: Any
) -> None:
    airflow.states = dict.fromkeys(MAPPED, "deferred")
    sent = len(sandbox.journal)
    await asyncio.gather(*(trigger.on_kill() for trigger in stopped(MAPPED)))
    assert airflow.questions == [{"dag_id": "a_dag", "task_ids": ["load"], "run_ids": ["a_run"], "map_index": None}]
    assert CancelingHook.canceled == []
    assert len(sandbox.journal) == sent


async def test_the_one_task_that_a_person_ended_among_them_cancels_its_import_and_no_other(
    airflow: Airflow, stopped: Callable[..., list[ImportTrigger]], run: ImportRun, sandbox: Any
) -> None:
    airflow.states = dict.fromkeys(MAPPED, "deferred") | {MAPPED[7]: "failed"}
    sent = len(sandbox.journal)
    await asyncio.gather(*(trigger.on_kill() for trigger in stopped(MAPPED, ours=7)))
    assert len(airflow.questions) == 1
    assert CancelingHook.canceled == [run.key["import_id"]]
    assert len(sandbox.journal) == sent + 1


async def test_an_airflow_that_does_not_answer_lets_all_imports_run_with_a_warning_each(
    airflow: Airflow,
    stopped: Callable[..., list[ImportTrigger]],
    said: Callable[[], str],
    sandbox: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(task_states, "STATE_SECONDS", 0.5)
    airflow.answering.clear()
    sent = len(sandbox.journal)
    async with asyncio.timeout(10):
        await asyncio.gather(*(trigger.on_kill() for trigger in stopped(MAPPED)))
    airflow.answering.set()
    assert len(airflow.questions) == 1
    assert len(sandbox.journal) == sent
    assert said().count("is left running: Airflow did not say") == HUNDREDS


# What is asked


@pytest.mark.parametrize(
    ("tasks", "questions"),
    [
        pytest.param([TaskKey("a_dag", "a_run", f"load{n}", -1) for n in range(90)], 1, id="tasks of one run"),
        pytest.param([TaskKey("a_dag", "a_run", f"load_{n}", -1) for n in range(90)], 1, id="numbered tasks"),
        pytest.param([TaskKey("a_dag", "a_run", f"load_{n}", 2) for n in range(90)], 1, id="mapped and numbered ones"),
        pytest.param([TaskKey("a_dag", "a_run", f"load{n}", -1) for n in range(250)], 3, id="more than a URL holds"),
        pytest.param([TaskKey("a_dag", f"run{n}", "load", -1) for n in range(3)], 3, id="several runs"),
        pytest.param([TaskKey(f"dag{n}", "a_run", "load", -1) for n in range(3)], 3, id="several DAGs"),
    ],
)
async def test_one_question_is_asked_for_the_tasks_of_a_run(
    airflow: Airflow, tasks: list[TaskKey], questions: int
) -> None:
    airflow.states = {task: "deferred" if n % 2 else "success" for n, task in enumerate(tasks)}
    assert await deferred_among(tasks) == [bool(n % 2) for n in range(len(tasks))]
    assert len(airflow.questions) == questions


@pytest.mark.parametrize("deferred", [0, 1, 2, 3])
async def test_tasks_that_airflow_calls_the_same_are_told_apart(airflow: Airflow, deferred: int) -> None:
    tasks = [
        TaskKey("a_dag", "a_run", "load_3", -1),
        TaskKey("a_dag", "a_run", "load", 3),
        TaskKey("a_dag", "a_run", "load_3_4", -1),
        TaskKey("a_dag", "a_run", "load_3", 4),
    ]
    airflow.states = dict.fromkeys(tasks, "failed") | {tasks[deferred]: "deferred"}
    assert await deferred_among(tasks) == [n == deferred for n in range(4)]


async def test_a_single_mapped_task_is_asked_for_without_the_others(airflow: Airflow) -> None:
    airflow.states = dict.fromkeys(MAPPED, "failed") | {MAPPED[3]: "deferred"}
    assert await is_still_deferred(MAPPED[3])
    assert [question["map_index"] for question in airflow.questions] == [3]


async def test_a_task_that_is_gone_is_not_deferred(airflow: Airflow) -> None:
    airflow.states = {MAPPED[0]: "deferred"}
    assert await deferred_among(MAPPED[:2]) == [True, False]


async def test_who_asks_while_airflow_answers_gets_an_answer_to_a_question_of_his_own(airflow: Airflow) -> None:
    airflow.states = dict.fromkeys(MAPPED, "deferred")
    airflow.answering.clear()
    first = asyncio.ensure_future(is_still_deferred(MAPPED[0]))
    await asked(airflow, 1)
    second = asyncio.ensure_future(is_still_deferred(MAPPED[0]))
    await asyncio.sleep(0)
    airflow.answering.set()
    assert await first is True
    airflow.states[MAPPED[0]] = "failed"
    assert await second is False
    assert len(airflow.questions) == 2


# Unanswered


@pytest.mark.parametrize("error", [RuntimeError("no supervisor"), OSError(), NameError(), ValueError(), TypeError()])
async def test_an_error_answers_nobody_and_the_next_one_is_asked_for_anew(airflow: Airflow, error: Exception) -> None:
    airflow.states = dict.fromkeys(MAPPED, "deferred")
    airflow.error = error
    async with asyncio.timeout(10):
        assert set(await deferred_among(MAPPED)) == {None}
    airflow.error = None
    assert set(await deferred_among(MAPPED)) == {True}


async def test_nothing_is_asked_for_those_who_waited_in_vain(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_states, "STATE_SECONDS", 0.5)
    airflow.answering.clear()
    tasks = [TaskKey("a_dag", f"run{n}", "load", -1) for n in range(50)]
    async with asyncio.timeout(10):
        assert set(await deferred_among(tasks)) == {None}
    airflow.answering.set()
    airflow.states = {tasks[0]: "deferred"}
    monkeypatch.setattr(task_states, "STATE_SECONDS", 30)
    assert await is_still_deferred(tasks[0])
    assert [question["run_ids"] for question in airflow.questions] == [["run0"], ["run0"]]


async def test_nothing_is_kept_of_those_who_asked(airflow: Airflow) -> None:
    airflow.states = dict.fromkeys(MAPPED, "deferred")
    await deferred_among(MAPPED)
    inquiry = task_states._inquiries[asyncio.get_running_loop()]
    assert inquiry._askers == []


async def asked(airflow: Airflow, questions: int) -> None:
    """Wait until Airflow was asked so often."""
    async with asyncio.timeout(10):
        while len(airflow.questions) < questions:  # noqa: ASYNC110  # it is asked in another thread
            await asyncio.sleep(0.01)

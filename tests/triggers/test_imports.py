"""The trigger on its own: moved between triggerers, ended by people, and by nobody."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.pigment.calls import pigment_run
from airflow_provider_imports.polling import Outcome
from airflow_provider_imports.sandbox.pigment import API_KEY
from airflow_provider_imports.trigger_event import Event
from tests.tries import CancelingHook, event_of, moved, requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.triggers.imports import ImportTrigger

CANCELING = "tests.tries.CancelingHook"


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until something is true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # the sandbox answers in another thread, and sets no event of this loop
            await asyncio.sleep(0.01)


# What Airflow keeps of it


def test_its_arguments_are_plain_json_hold_no_secret_and_are_all_it_needs(
    make_trigger: Callable[..., ImportTrigger],
) -> None:
    trigger = make_trigger(cancel_on_kill=False)
    serde = pytest.importorskip("airflow.sdk.serde", reason="Airflow 3.2 has this check of a trigger's arguments")
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_imports.triggers.imports.ImportTrigger"
    assert json.loads(json.dumps(arguments, allow_nan=False)) == arguments
    assert serde.deserialize(serde.serialize(arguments)) == arguments
    assert API_KEY not in json.dumps(arguments) + repr(trigger)
    assert moved(trigger).serialize() == trigger.serialize()


def test_it_yields_one_event_which_the_worker_understands(
    make_trigger: Callable[..., ImportTrigger], run: ImportRun, sandbox: Any
) -> None:
    sandbox.vendors["pigment"].imports[run.key["import_id"]].progress.seconds = 0.0
    event = event_of(make_trigger())
    seen = Event.from_json(event)
    assert seen.ending.outcome is Outcome.SUCCEEDED
    assert seen.run == run
    assert API_KEY not in json.dumps(event)


def test_what_is_not_a_run_raises_the_one_error_which_a_triggerer_outlives(
    make_trigger: Callable[..., ImportTrigger],
) -> None:
    with pytest.raises(TypeError, match="not an import run"):
        make_trigger(run={"vendor": "pigment"})


def test_a_restarted_trigger_ends_when_the_first_one_would_have(
    make_trigger: Callable[..., ImportTrigger], sandbox: Any
) -> None:
    deadline = time.time() + 0.5
    first = make_trigger(deadline=deadline)

    async def wait_and_be_stopped() -> None:
        waiting = asyncio.ensure_future(anext(moved(first).run()))
        await until(lambda: "get_import_status" in requests(sandbox))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(wait_and_be_stopped())
    event = event_of(first)
    assert event["outcome"] == "timed_out"
    assert event["deadline"] == deadline
    assert time.time() >= deadline


def test_a_trigger_whose_deadline_passed_while_no_triggerer_ran_looks_once(
    make_trigger: Callable[..., ImportTrigger], run: ImportRun, sandbox: Any
) -> None:
    assert event_of(make_trigger(deadline=time.time() - 60))["outcome"] == "timed_out"
    assert requests(sandbox) == ["trigger_import", "get_import_status"]
    sandbox.vendors["pigment"].imports[run.key["import_id"]].progress.seconds = 0.0
    assert event_of(make_trigger(deadline=time.time() - 60))["outcome"] == "succeeded"


def test_an_import_that_pigment_does_not_know_ends_the_wait(make_trigger: Callable[..., ImportTrigger]) -> None:
    unknown = pigment_run("11111111-2222-3333-4444-555555555555").to_json() | {
        "started_at": "2026-01-01T00:00:00+00:00"
    }
    event = event_of(make_trigger(run=unknown))
    assert event["outcome"] == "refused"
    assert event["error"] == "VendorRequestError"


# Stopped by nobody: a triggerer that ends or hands over


async def test_a_stopped_triggerer_cancels_nothing(make_trigger: Callable[..., ImportTrigger], sandbox: Any) -> None:
    trigger = make_trigger(hook=CANCELING)
    waiting = asyncio.ensure_future(anext(trigger.run()))
    await until(lambda: "get_import_status" in requests(sandbox))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await trigger.cleanup()
    assert CancelingHook.canceled == []


# Ended by a person


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ImportTrigger]:
    """Give a trigger its task, whose state is what a person has made it, or whatever the test says."""
    task_runner = pytest.importorskip("airflow.sdk.execution_time.task_runner", reason="Airflow 3 tells a task's state")

    def of(trigger: ImportTrigger, answer: Any = "failed") -> ImportTrigger:
        def get_task_states(dag_id: str, task_ids: Any, run_ids: Any, map_index: int) -> Any:
            assert (dag_id, task_ids, run_ids, map_index) == ("a_dag", ["load"], ["a_run"], 3)
            if isinstance(answer, Exception):
                raise answer
            return {"a_run": {"load_3": answer}} if answer else {}

        monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_task_states", get_task_states)
        trigger.task_instance = SimpleNamespace(dag_id="a_dag", task_id="load", run_id="a_run", map_index=3)
        return trigger

    return of


@pytest.mark.parametrize("answer", ["failed", "success", None, "removed"])
async def test_a_task_that_a_person_ended_cancels_its_import(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    run: ImportRun,
    said: Callable[[], str],
    answer: Any,
) -> None:
    await killed(make_trigger(hook=CANCELING), answer).on_kill()
    assert CancelingHook.canceled == [run.key["import_id"]]
    assert "The task was killed: It was canceled." in said()


async def test_a_trigger_that_only_moves_cancels_nothing(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    said: Callable[[], str],
    sandbox: Any,
) -> None:
    sent = len(sandbox.journal)
    await killed(make_trigger(hook=CANCELING), "deferred").on_kill()
    assert CancelingHook.canceled == []
    assert len(sandbox.journal) == sent
    assert "has moved to another triggerer; the import (import_id=" in said()


@pytest.mark.parametrize("answer", [RuntimeError("no supervisor"), OSError(), TimeoutError()])
async def test_an_import_is_left_running_if_airflow_does_not_say_whether_its_task_was_killed(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    said: Callable[[], str],
    answer: Exception,
) -> None:
    await killed(make_trigger(hook=CANCELING), answer).on_kill()
    assert CancelingHook.canceled == []
    assert "is left running: Airflow did not say" in said()


async def test_a_kill_is_seen_through_however_often_airflow_interrupts_it(
    make_trigger: Callable[..., ImportTrigger], killed: Callable[..., ImportTrigger], run: ImportRun, sandbox: Any
) -> None:
    sandbox.add_fault("timeout", vendor="pigment", operation="get_import_status", when="after", seconds=0.5)
    killing = asyncio.ensure_future(killed(make_trigger(hook=CANCELING)).on_kill())
    await until(lambda: "get_import_status" in requests(sandbox))
    for _ in range(3):
        killing.cancel("__airflow_user_action__")
        await asyncio.sleep(0)
    await killing
    assert CancelingHook.canceled == [run.key["import_id"]]


async def test_a_kill_cancels_nothing_if_the_user_says_so(
    make_trigger: Callable[..., ImportTrigger], killed: Callable[..., ImportTrigger], said: Callable[[], str]
) -> None:
    await killed(make_trigger(hook=CANCELING, cancel_on_kill=False)).on_kill()
    assert CancelingHook.canceled == []
    assert "is left running: cancel_on_kill is off" in said()


async def test_a_kill_says_that_pigment_cannot_cancel(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    said: Callable[[], str],
    sandbox: Any,
) -> None:
    sent = len(sandbox.journal)
    await killed(make_trigger()).on_kill()
    assert len(sandbox.journal) == sent
    assert "goes on, since Pigment can't cancel one" in said()


async def test_a_kill_during_an_outage_spends_one_attempt_and_says_that_it_is_unclear(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    said: Callable[[], str],
    sandbox: Any,
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=None)
    sent = len(sandbox.journal)
    await killed(make_trigger(hook=CANCELING)).on_kill()
    assert len(sandbox.journal) == sent + 1
    assert "may still be running: Pigment cancel_import: HTTP 503" in said()


async def test_a_kill_at_a_vendor_that_does_not_answer_ends_in_time_and_says_so(
    make_trigger: Callable[..., ImportTrigger],
    killed: Callable[..., ImportTrigger],
    said: Callable[[], str],
    sandbox: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_provider_imports.triggers.imports.CANCEL_SECONDS", 0.2)
    sandbox.add_fault("timeout", vendor="pigment", operation="get_import_status", count=None)
    async with asyncio.timeout(10):
        await killed(make_trigger(hook=CANCELING)).on_kill()
    assert CancelingHook.canceled == []
    assert "may still be running: Pigment gave no answer within 0.2 s" in said()


async def test_a_kill_while_it_waits_for_a_slot_has_nothing_to_cancel(
    make_trigger: Callable[..., ImportTrigger], killed: Callable[..., ImportTrigger], sandbox: Any
) -> None:
    sent = len(sandbox.journal)
    await killed(make_trigger(hook=CANCELING, run=None, slot={"service": "article"})).on_kill()
    assert CancelingHook.canceled == []
    assert len(sandbox.journal) == sent


@pytest.mark.parametrize(("parameters", "lines"), [({}, 1), ({"cancel_on_kill": False}, 0)])
async def test_an_airflow_that_does_not_tell_of_a_kill_is_said_in_one_line(
    make_trigger: Callable[..., ImportTrigger],
    said: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    sandbox: Any,
    parameters: dict[str, Any],
    lines: int,
) -> None:
    monkeypatch.setattr("airflow_provider_imports.triggers.imports.AIRFLOW_V_3_3_PLUS", False)
    waiting = asyncio.ensure_future(anext(make_trigger(hook=CANCELING, **parameters).run()))
    await until(lambda: "get_import_status" in requests(sandbox))
    waiting.cancel()
    assert said().count("Airflow below 3.3 does not tell when a deferred task is killed") == lines

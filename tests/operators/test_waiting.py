"""Never twice, never lost: crashes, retries, clearing, kills, deadlines and outages, blocking and deferrable."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_imports.exceptions import (
    ImportSupersededError,
    ImportTimeoutError,
    TriggerEventError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.intent import Found
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.operators.run_store import KEY, RunStore
from tests.tries import CancelingHook, Killed, defer, event_of, finish, killed_at, requests, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.operators.conftest import MakeTask

SLOW = 300.0
"""Seconds that an import takes which does not end during a test."""
BLOCKING = pytest.mark.parametrize("deferrable", [False], ids=["blocking"], indirect=True)
DEFERRABLE = pytest.mark.parametrize("deferrable", [True], ids=["deferrable"], indirect=True)


def remembered(store: Any) -> dict[str, Any]:
    """What the task has stored."""
    value: dict[str, Any] = store.get(KEY)
    return value


def age(store: Any, seconds: float) -> None:
    """Let what is stored have happened earlier."""
    value = remembered(store)
    then = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    value["at"] = then
    value["run"]["started_at"] = then
    store.set(KEY, value)


def kill_while_waiting(make: Callable[[], Any], context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the worker die while it waits, or leave the deferred task without its triggerer; give the operator."""

    def die(*args: Any) -> None:
        raise Killed

    operator = make()
    with monkeypatch.context() as patch:
        patch.setattr(ImportHook, "wait", die)
        with pytest.raises((Killed, TaskDeferred)):
            operator.execute(context)
    return operator


# What is remembered


def test_the_intent_is_stored_before_the_start_the_run_after_it_and_the_end_before_it_is_told(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[tuple[str, int]] = []
    original = task_state_store.set

    def note(key: str, value: Any) -> None:
        if key == KEY:
            stored.append((value["phase"], len(starts(sandbox))))
        original(key, value)

    monkeypatch.setattr(task_state_store, "set", note)
    finish(trigger_task(), make_context())
    assert stored == [("intended", 0), ("started", 1), ("ended", 1)]


def test_the_run_is_in_xcom_before_the_wait(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    kill_while_waiting(trigger_task(), context, monkeypatch)
    (start,) = starts(sandbox)
    assert context["ti"].xcoms["import_run"] == {"import_id": start.run}


# Crashes: between each two steps, then a second try


@pytest.mark.parametrize(
    ("phase", "when", "first_starts", "ends"),
    [
        ("intended", "before", 0, "succeeded"),
        ("intended", "after", 0, "unknown"),
        ("started", "before", 1, "unknown"),
        ("started", "after", 1, "succeeded"),
        ("ended", "before", 1, "succeeded"),
        ("ended", "after", 1, "succeeded"),
    ],
)
def test_a_worker_that_dies_between_two_steps_leaves_one_start_or_none(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    phase: str,
    when: str,
    first_starts: int,
    ends: str,
) -> None:
    with killed_at(task_state_store, phase, when), pytest.raises(Killed):
        finish(trigger_task(), make_context())
    assert len(starts(sandbox)) == first_starts
    if ends == "unknown":
        with pytest.raises(UnknownOutcomeError, match="An earlier try ended while it was starting the import"):
            finish(trigger_task(), make_context(try_number=2))
        assert len(starts(sandbox)) == first_starts
    else:
        manifest = finish(trigger_task(), make_context(try_number=2))
        (start,) = starts(sandbox)
        assert manifest["run"] == {"import_id": start.run}
        assert manifest["state"] == "succeeded"
        assert manifest["counts"]["inserted"] == 1000


def test_a_worker_that_dies_while_it_pushes_the_xcom_leaves_one_start(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(key: str, value: Any) -> None:
        raise Killed

    context = make_context()
    monkeypatch.setattr(context["ti"], "xcom_push", die)
    with pytest.raises(Killed):
        finish(trigger_task(), context)
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


# Retries


def test_a_second_try_reattaches_to_the_running_import(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    sandbox.change_settings(run_seconds=0.5)
    kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    second = make_context(try_number=2)
    manifest = finish(trigger_task(), second)
    (start,) = starts(sandbox)
    assert manifest["run"] == {"import_id": start.run}
    assert second["ti"].xcoms["import_run"] == {"import_id": start.run}, "Airflow clears XComs between tries"
    assert "An earlier try started this Pigment import (import_id=" in logged()


def test_a_second_try_finishes_an_import_that_succeeded_meanwhile_without_waiting(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.change_settings(run_seconds=0.0)
    kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    manifest = trigger_task(poll_interval=SLOW)().execute(make_context(try_number=2))
    assert manifest["state"] == "succeeded"
    assert manifest["counts"]["inserted"] == 1000
    assert len(starts(sandbox)) == 1


def test_a_second_try_within_pigments_lag_waits_instead_of_starting_again(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    sandbox.change_settings(pigment={"status_lag_seconds": 0.5})
    kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1
    assert "Not known at the vendor yet, a moment after its start" in logged()


def test_a_second_try_starts_anew_what_pigment_has_forgotten(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    age(task_state_store, 61)
    sandbox.vendors["pigment"].imports.clear()
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 2


def test_a_second_try_during_an_outage_waits_for_the_run_it_knows(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=6)
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1
    assert "Its status is not readable right now: Pigment get_import_status: HTTP 503" in logged()


def test_other_inputs_are_another_import(
    push_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    kill_while_waiting(push_task(data="a;b\n1;2\n"), make_context(), monkeypatch)
    finish(push_task(data="a;b\n1;3\n"), make_context(try_number=2))
    assert len(starts(sandbox)) == 2
    assert "An earlier try was for another import (import_id=" in logged()


def test_a_file_that_was_replaced_before_the_task_was_cleared_is_another_import(
    push_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("a;b\n1;2\n")
    make = push_task(file_path=str(file))
    kill_while_waiting(make, make_context(), monkeypatch)
    file.write_text("a;b\n1;2\n3;4\n")
    assert finish(make, make_context(try_number=2, max_tries=2))["counts"]["inserted"] == 2
    assert len(starts(sandbox)) == 2


@pytest.mark.parametrize("copy", ["another copy", "no copy"])
def test_a_retry_goes_on_with_the_import_whatever_copy_of_the_file_its_worker_has(
    push_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, copy: str
) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("a;b\n1;2\n")
    make = push_task(file_path=str(file))
    kill_while_waiting(make, make_context(), monkeypatch)
    file.write_text("a;b\n1;2\n3;4\n") if copy == "another copy" else file.unlink()
    assert finish(make, make_context(try_number=2))["counts"]["inserted"] == 1
    assert len(starts(sandbox)) == 1


def test_a_cleared_task_whose_file_is_gone_goes_on_with_the_import_that_still_runs(
    push_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("a;b\n1;2\n")
    make = push_task(file_path=str(file))
    kill_while_waiting(make, make_context(), monkeypatch)
    file.unlink()
    assert finish(make, make_context(try_number=2, max_tries=2))["counts"]["inserted"] == 1
    assert len(starts(sandbox)) == 1


def test_a_task_that_is_not_durable_remembers_nothing(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kill_while_waiting(trigger_task(durable=False), make_context(), monkeypatch)
    assert task_state_store.written == {}
    finish(trigger_task(durable=False), make_context(try_number=2))
    assert len(starts(sandbox)) == 2


def test_without_a_store_every_try_starts(trigger_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    for number in (1, 2):
        context = make_context(try_number=number)
        del context["task_state_store"]
        assert finish(trigger_task(), context)["state"] == "succeeded"
    assert len(starts(sandbox)) == 2


# Clearing


def test_clearing_a_finished_task_runs_it_again(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    first = finish(trigger_task(), make_context(max_tries=1))
    second = finish(trigger_task(), make_context(try_number=2, max_tries=2))
    assert len(starts(sandbox)) == 2
    assert first["run"] != second["run"]
    assert "was cleared, so the import runs again" in logged()


def test_clearing_a_killed_task_goes_on_with_its_import(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_while_waiting(trigger_task(), make_context(max_tries=0), monkeypatch)
    assert finish(trigger_task(), make_context(try_number=2, max_tries=1))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1
    finish(trigger_task(), make_context(try_number=3, max_tries=2))
    assert len(starts(sandbox)) == 2, "and clearing it once more, now that it is finished, runs it again"


def test_a_retry_after_the_end_was_noted_tells_the_same_end_without_asking(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    first = finish(trigger_task(), make_context())
    asked = len(sandbox.journal)
    assert finish(trigger_task(), make_context(try_number=2)) == first
    assert len(sandbox.journal) == asked


# Not waiting


def test_without_waiting_the_task_ends_with_the_start(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.change_settings(run_seconds=SLOW)
    context = make_context()
    manifest = trigger_task(wait_for_completion=False)().execute(context)
    assert manifest["state"] == "running"
    assert manifest["rejected"] is None
    assert context["ti"].xcoms["import_run"] == manifest["run"]
    assert requests(sandbox) == ["trigger_import"]
    assert trigger_task(wait_for_completion=False)().execute(make_context(try_number=2)) == manifest
    assert len(starts(sandbox)) == 1
    trigger_task(wait_for_completion=False)().execute(make_context(try_number=2, max_tries=2))
    assert len(starts(sandbox)) == 2


# Deadline and outages


def test_at_the_deadline_pigments_import_goes_on_and_a_retry_goes_on_with_it(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=1.0)
    with pytest.raises(ImportTimeoutError) as caught:
        finish(trigger_task(timeout=0.2), make_context())
    assert not isinstance(caught.value, AirflowFailException)
    text = str(caught.value)
    assert "did not end before the deadline (timeout). Last seen: running (InProgress)." in text
    assert text.endswith("Pigment can't cancel an import, so it goes on; the next try waits for it.")
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_a_task_that_remembers_nothing_does_not_promise_to_go_on(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=SLOW)
    with pytest.raises(ImportTimeoutError, match="so it goes on; the next try starts another one, since this task"):
        finish(trigger_task(timeout=0.2, durable=False), make_context())


def test_an_import_that_ended_in_the_last_interval_is_seen_by_one_last_look(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    manifest = finish(trigger_task(timeout=0.5, poll_interval=SLOW), make_context())
    assert manifest["state"] == "succeeded"
    assert requests(sandbox) == ["trigger_import", "get_import_status", "get_import_status"]


def test_an_outage_within_the_tolerance_does_not_end_the_wait(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=4)
    assert finish(trigger_task(), make_context())["state"] == "succeeded"
    assert len(starts(sandbox)) == 1
    assert "Status not readable, the import is left alone and looked at again: Pigment get_import" in logged()


def test_an_outage_beyond_the_tolerance_ends_the_try_and_leaves_the_import_alone(
    canceling_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=None)
    with pytest.raises(VendorUnavailableError) as caught:
        finish(canceling_task(outage_tolerance=0.2), make_context())
    text = str(caught.value)
    assert "status could not be read for longer than outage_tolerance: Pigment get_import_status: HTTP 503" in text
    assert text.endswith("The import was left as it is; the next try waits for it.")
    assert ".." not in text
    assert CancelingHook.canceled == []
    sandbox.clear_faults()
    assert finish(canceling_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_credentials_that_are_refused_during_the_wait_end_it_and_leave_the_import_alone(
    canceling_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=401, count=None)
    with pytest.raises(VendorAuthError) as caught:
        finish(canceling_task(), make_context())
    assert isinstance(caught.value, AirflowFailException)
    assert str(caught.value).endswith("The import was left as it is; the next try waits for it.")
    assert CancelingHook.canceled == []


def test_a_superseded_import_is_told_and_not_canceled(
    canceling_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(self: Any, run: ImportRun) -> Any:
        raise ImportSupersededError("Another import took its place.", vendor="pigment")
        yield

    monkeypatch.setattr(PigmentHook, "status_flow", another)
    with pytest.raises(ImportSupersededError, match=r"import_id=.*: Another import took its place\.$"):
        finish(canceling_task(), make_context())
    assert CancelingHook.canceled == []


# Deadline and kill, at a vendor that can cancel


def test_the_deadline_cancels_our_import_where_the_vendor_can(
    canceling_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=SLOW)
    with pytest.raises(ImportTimeoutError, match=r"It was canceled\. The next try starts it again\.$"):
        finish(canceling_task(timeout=0.2), make_context())
    assert CancelingHook.canceled == [starts(sandbox)[0].run]


def test_the_deadline_cancels_nothing_if_the_user_says_so(
    canceling_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=SLOW)
    with pytest.raises(ImportTimeoutError, match=r"\(cancel_on_timeout is off\); the next try waits for it\.$"):
        finish(canceling_task(timeout=0.2, cancel_on_timeout=False), make_context())
    assert CancelingHook.canceled == []


def test_a_cancel_at_the_deadline_that_fails_is_told(
    canceling_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.change_settings(run_seconds=SLOW)
    monkeypatch.setattr(CancelingHook, "fails", True)
    with pytest.raises(ImportTimeoutError, match=r"could not be canceled and may still be running: Pigment cancel_imp"):
        finish(canceling_task(timeout=0.2), make_context())


@BLOCKING
def test_a_kill_on_the_worker_cancels_our_import_in_one_call(
    canceling_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    operator = kill_while_waiting(canceling_task(), make_context(), monkeypatch)
    sent = len(sandbox.journal)
    operator.on_kill()
    assert CancelingHook.canceled == [starts(sandbox)[0].run]
    assert len(sandbox.journal) == sent + 1
    assert "Killed: It was canceled." in logged()


@BLOCKING
def test_a_kill_on_the_worker_spends_one_attempt_on_a_vendor_in_trouble(
    canceling_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    operator = kill_while_waiting(canceling_task(), make_context(), monkeypatch)
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=None)
    sent = len(sandbox.journal)
    operator.on_kill()
    assert len(sandbox.journal) == sent + 1
    assert CancelingHook.canceled == []
    assert "may still be running: Pigment cancel_import: HTTP 503" in logged()


@BLOCKING
def test_a_kill_cancels_nothing_if_the_user_says_so(
    canceling_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    kill_while_waiting(canceling_task(cancel_on_kill=False), make_context(), monkeypatch).on_kill()
    assert CancelingHook.canceled == []
    assert "is left running: cancel_on_kill is off" in logged()


@BLOCKING
def test_a_kill_says_that_pigment_cannot_cancel(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    operator = kill_while_waiting(trigger_task(), make_context(), monkeypatch)
    sent = len(sandbox.journal)
    operator.on_kill()
    assert len(sandbox.journal) == sent
    assert (
        f"Killed; Pigment import (import_id={starts(sandbox)[0].run}) goes on, since Pigment can't cancel" in logged()
    )


@BLOCKING
def test_a_kill_before_the_start_has_nothing_to_cancel(
    canceling_task: MakeTask, sandbox: Any, logged: Callable[[], str]
) -> None:
    canceling_task()().on_kill()
    assert sandbox.journal == []
    assert "Killed before an import was started, so there is none to cancel" in logged()


@BLOCKING
def test_a_kill_in_the_middle_of_the_start_says_that_it_is_unclear(
    canceling_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, logged: Callable[[], str]
) -> None:
    operator = canceling_task()()
    with killed_at(task_state_store, "intended", "after"), pytest.raises(Killed):
        operator.execute(make_context())
    operator.on_kill()
    assert sandbox.journal == []
    assert "Killed while the import was being started; it may be running" in logged()


@BLOCKING
def test_a_kill_while_the_started_run_is_noted_cancels_it_once(
    canceling_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = canceling_task()()
    note = RunStore.started

    def note_and_be_killed(store: RunStore, run: ImportRun) -> None:
        note(store, run)
        operator.on_kill()

    monkeypatch.setattr(RunStore, "started", note_and_be_killed)
    operator.execute(make_context())
    assert CancelingHook.canceled == [starts(sandbox)[0].run]


@BLOCKING
def test_a_kill_while_a_second_try_attaches_cancels_the_run_of_the_first(
    canceling_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_while_waiting(canceling_task(), make_context(), monkeypatch)
    operator = canceling_task()()

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ImportHook, "get_status", die)
        with pytest.raises(Killed):
            operator.execute(make_context(try_number=2))
    operator.on_kill()
    assert CancelingHook.canceled == [starts(sandbox)[0].run]


# Deferring


@DEFERRABLE
def test_the_deadline_is_a_moment_that_a_moved_trigger_keeps(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    before = time.time()
    deferred = defer(trigger_task(timeout=1000), make_context())
    _, arguments = deferred.trigger.serialize()
    assert before + 1000 <= arguments["deadline"] <= time.time() + 1000
    assert deferred.timeout is not None
    assert timedelta(seconds=1000) < deferred.timeout <= timedelta(seconds=1600), "only a backstop behind our deadline"
    assert event_of(deferred.trigger)["deadline"] == arguments["deadline"]


@DEFERRABLE
@pytest.mark.parametrize(
    "change",
    [
        None,
        {},
        "success",
        {"version": 2},
        {"outcome": "done"},
        {"outcome": None},
        {"status": None},
        {"run": None},
        {"run": {"vendor": "pigment"}},
        {"deadline": "soon"},
    ],
    ids=repr,
)
def test_an_event_that_is_not_understood_is_no_success(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, change: Any
) -> None:
    deferred = defer(trigger_task(), make_context())
    event = {**event_of(deferred.trigger), **change} if isinstance(change, dict) and change else change
    with pytest.raises(TriggerEventError, match="may still be running; the next try waits for it") as caught:
        trigger_task()().execute_complete(make_context(), event=event)
    assert not isinstance(caught.value, AirflowFailException)
    assert remembered(task_state_store)["phase"] == "started"
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


@DEFERRABLE
def test_a_success_whose_status_is_no_success_is_not_green(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    event = event_of(defer(trigger_task(), make_context()).trigger)
    event["status"]["state"] = "failed"
    with pytest.raises(TriggerEventError):
        trigger_task()().execute_complete(make_context(), event=event)


@DEFERRABLE
def test_an_event_is_small(push_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    bad_rows = "a;b\n" + "".join(f"{'x' * 5000};{number};1\n" for number in range(200))
    event = event_of(defer(push_task(data=bad_rows), make_context()).trigger)
    assert event["status"]["counts"]["skipped"] == 200
    assert len(str(event)) < 5000


def test_both_ways_to_wait_return_the_same_manifest(
    push_task: MakeTask, make_context: Any, sandbox: Any, deferrable: bool
) -> None:
    manifest = finish(push_task(data="a;b\n1;2\n", deferrable=deferrable), make_context(max_tries=1))
    other = finish(push_task(data="a;b\n1;2\n", deferrable=not deferrable), make_context(max_tries=2))
    own = {"run", "started_at", "finished_at"}
    assert {name: value for name, value in manifest.items() if name not in own} == {
        name: value for name, value in other.items() if name not in own
    }
    assert manifest.keys() == other.keys()


def test_an_unclear_start_that_the_vendor_shows_is_adopted(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    def adopt(self: Any, intent: Any) -> Any:
        yield from ()
        return Found(ImportRun("pigment", {"import_id": starts(sandbox)[0].run or ""}, intent.at))

    monkeypatch.setattr(PigmentHook, "adopt_flow", adopt)
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after")
    manifest = finish(trigger_task(), make_context())
    assert manifest["run"] == {"import_id": starts(sandbox)[0].run}
    assert len(starts(sandbox)) == 1
    assert "It did: found Pigment import (import_id=" in logged()


def test_a_start_that_the_vendor_shows_not_to_have_happened_may_be_retried(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(self: Any, intent: Any) -> Any:
        yield from ()
        return Found(None)

    monkeypatch.setattr(PigmentHook, "adopt_flow", nothing)
    monkeypatch.setattr("airflow_provider_imports.hooks.base.ImportHook.longest_start", 0.0)
    sandbox.add_fault("status", vendor="pigment", operation="trigger_import", status=503)
    with pytest.raises(VendorUnavailableError, match="Pigment shows that nothing was started; a retry is safe"):
        finish(trigger_task(), make_context())
    assert task_state_store.written == {}
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_the_log_names_the_run_its_progress_and_its_end(
    push_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    finish(push_task(data="a;b\n1;2\n"), make_context())
    (start,) = starts(sandbox)
    text = logged()
    assert f"Started Pigment import (import_id={start.run})" in text
    assert "succeeded (Completed), 1 inserted, 0 updated, 0 deleted, 0 skipped" in text

"""Orderings of kills, clearing, crashes and refusals in which an import could be lost, doubled or in its own way."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import (
    ImportCanceledError,
    ImportTimeoutError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.slot_lock import slot_lock
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.testing.context import TaskStateStoreOfTest
from tests.tries import Killed, defer, event_of, finish, killed_at

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 3600.0
STARTS = {"websale": "start_import", "rocketchat": "run_import"}
every_vendor = pytest.mark.parametrize("vendor", STARTS)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find out about unclear starts at once."""
    monkeypatch.setattr("airflow_provider_imports.hooks.base.ImportHook.longest_start", 0.0)


@pytest.fixture
def vendors(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox without limits, with imports that do not end by themselves."""
    sandbox.change_settings(run_seconds=LONG, rocketchat={"calls_per_window": None})
    for vendor in STARTS:
        connection = sandbox.connection(vendor)
        connection["extra"] = {**connection["extra"], "requests_per_minute": 1_000_000}
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(connection))
    return sandbox


def task(vendor: str, **options: Any) -> Callable[[], Any]:
    given = {"task_id": "load", "poll_interval": 0.05, **options}
    if vendor == "websale":
        return lambda: WebsaleStartImportOperator(service="product", data=[{"sku": "a"}], **given)
    # more than Rocket.Chat still creates when it is told to abort
    users = [{"emails": [f"{n}@example.com"], "importIds": [str(n)], "username": f"u{n}"} for n in range(60)]
    return lambda: RocketChatImportUsersOperator(users=users, **given)


def started(sandbox: Any, vendor: str) -> int:
    return sum(entry.acted for entry in sandbox.entries(vendor, STARTS[vendor]))


@every_vendor
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_cleared_task_starts_anew_although_its_old_import_is_canceled_only_after_it_has_attached(
    vendors: Any, make_context: Any, vendor: str, deferrable: bool
) -> None:
    """Clearing a deferred task tells the triggerer to cancel and the scheduler to run it: either may be first."""
    killed = defer(task(vendor, deferrable=True), make_context(max_tries=0)).trigger
    again = make_context(try_number=2, max_tries=1)
    with ThreadPoolExecutor() as worker:
        if deferrable:
            attached = defer(task(vendor, deferrable=True), again).trigger
            cancel(killed)
            vendors.change_settings(run_seconds=0.1)
            operator = task(vendor, deferrable=False)()  # so that one more wait follows at once
            result = operator.execute_complete(again, event=event_of(attached))
        else:
            operator = task(vendor, deferrable=False)()
            wait = operator.hook.wait

            def cancel_and_wait(*args: Any) -> Any:
                operator.hook.wait = wait
                worker.submit(cancel, killed).result(timeout=20)
                vendors.change_settings(run_seconds=0.1)
                return wait(*args)

            operator.hook.wait = cancel_and_wait
            result = operator.execute(again)
    assert result["state"] == "succeeded"
    assert started(vendors, vendor) == 2


def cancel(trigger: Any) -> None:
    """What the triggerer does when a person ends or clears the task."""
    asyncio.run(trigger.on_kill())


@every_vendor
def test_an_import_that_is_canceled_at_the_vendor_is_not_started_again_by_the_same_try(
    vendors: Any, make_context: Any, vendor: str
) -> None:
    deferred = defer(task(vendor, deferrable=True), make_context())
    cancel(deferred.trigger)
    with pytest.raises(VendorImportError):
        task(vendor, deferrable=True)().execute_complete(make_context(), event=event_of(deferred.trigger))
    assert started(vendors, vendor) == 1


def test_a_cleared_task_that_is_killed_on_the_worker_does_not_start_anew(vendors: Any, make_context: Any) -> None:
    defer(task("websale", deferrable=True), make_context(max_tries=0))
    operator = task("websale", deferrable=False)()
    wait = operator.hook.wait

    def kill_and_wait(*args: Any) -> Any:
        operator.on_kill()
        return wait(*args)

    operator.hook.wait = kill_and_wait
    with pytest.raises(ImportCanceledError):
        operator.execute(make_context(try_number=2, max_tries=1))
    assert started(vendors, "websale") == 1


def test_a_task_killed_while_it_waits_for_the_slot_starts_nothing_when_it_becomes_free(
    vendors: Any, make_context: Any
) -> None:
    """Airflow leaves a killed process some seconds; the import that it started then would be nobody's."""
    WebsaleHook().start_import("product", b"[{}]", "json")
    operator = task("websale", deferrable=False, if_running="wait")()
    wait = operator.hook.wait_for_slot

    def kill_and_wait(*args: Any) -> Any:
        operator.on_kill()
        WebsaleHook().cancel_import("product")
        return wait(*args)

    operator.hook.wait_for_slot = kill_and_wait
    with pytest.raises(VendorImportError, match="killed before it started"):
        operator.execute(make_context())
    assert started(vendors, "websale") == 1


def test_users_that_a_try_left_staged_are_in_nobodys_way_after_another_try_has_failed(
    vendors: Any, make_context: Any
) -> None:
    """An outage in three acts: staged and not cleared; no new operation; then all is well."""
    make = task("rocketchat", deferrable=False)
    vendors.add_fault("status", vendor="rocketchat", operation="run_import", status=400)
    vendors.add_fault("status", vendor="rocketchat", operation="clear_import", status=400)
    with pytest.raises(VendorImportError):
        finish(make, make_context())
    assert len(vendors.vendors["rocketchat"].staged) == 60

    vendors.add_fault("status", vendor="rocketchat", operation="new_import", status=400)
    with pytest.raises(VendorRequestError):
        finish(make, make_context(try_number=2))

    vendors.clear_faults()
    vendors.change_settings(run_seconds=0.1)
    assert finish(make, make_context(try_number=3))["state"] == "succeeded"
    assert started(vendors, "rocketchat") == 1


def test_a_task_that_died_in_its_start_does_not_take_the_next_tasks_import_for_its_own(
    vendors: Any, make_context: Any, task_state_store: Any
) -> None:
    """WEBSALE shows one import and not whose it is: a green task would have imported nothing."""
    make = task("websale", wait_for_completion=False)
    with killed_at(task_state_store, "intended", "after"), pytest.raises(Killed):
        make().execute(make_context())
    other = make_context(task_state_store=TaskStateStoreOfTest())
    other["ti"].task_id = "another_task"
    make().execute(other)

    with pytest.raises(UnknownOutcomeError, match="could import twice"):
        make().execute(make_context(try_number=2))
    assert started(vendors, "websale") == 1


def test_a_retry_at_rocket_chat_waits_for_other_tasks_that_are_about_to_start(
    vendors: Any, make_context: Any, task_state_store: Any
) -> None:
    first = task("rocketchat")()
    with killed_at(task_state_store, "intended", "after"), pytest.raises(Killed):
        first.execute(make_context())

    with (
        slot_lock(first._lock_name(first.slot()), time.time() + 20),
        pytest.raises(ImportTimeoutError, match="same place"),
    ):
        task("rocketchat", timeout=0.3)().execute(make_context(try_number=2))
    assert started(vendors, "rocketchat") == 0


def test_an_empty_operation_that_a_second_try_died_with_is_not_in_the_way_of_the_third(
    vendors: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = task("rocketchat", wait_for_completion=False)
    new_import = RocketChatHook.new_import

    def die(*args: Any) -> Any:
        raise Killed

    def make_it_and_die(*args: Any) -> Any:
        new_import(*args)
        raise Killed

    for number, method, dies in ((1, "run_import", die), (2, "new_import", make_it_and_die)):
        with monkeypatch.context() as dying:
            dying.setattr(RocketChatHook, method, dies)
            with pytest.raises(Killed):
                make().execute(make_context(try_number=number))
    make().execute(make_context(try_number=3))
    assert started(vendors, "rocketchat") == 1


def test_credentials_that_are_refused_while_a_task_waits_for_the_slot_are_not_tried_again(
    vendors: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebsaleHook().start_import("product", b"[{}]", "json")
    make = task("websale", deferrable=True, if_running="wait")
    waiting = defer(make, make_context()).trigger
    connection = {**vendors.connection("websale"), "password": "changed meanwhile"}
    monkeypatch.setenv("AIRFLOW_CONN_WEBSALE_DEFAULT", json.dumps(connection))

    with pytest.raises(VendorAuthError, match="Nothing was sent"):
        make().execute_complete(make_context(), event=event_of(waiting))
    assert issubclass(VendorAuthError, AirflowFailException)
    assert started(vendors, "websale") == 1

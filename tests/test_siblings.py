"""Operators and sensors are siblings: one `default_args` serves both, and both refuse the same things when parsed."""

from __future__ import annotations

import inspect
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, TaskDeferred

from airflow_provider_imports.exceptions import (
    ImportFailedError,
    InvalidInputError,
    VendorAuthError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.models import ImportState, ImportStatus
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.sensors.base import OUTAGE_KEY
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.sensors.websale import WebsaleImportSensor

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from collections.abc import Callable

UUID = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
SHARED: dict[str, Any] = {
    "timeout": timedelta(hours=2),
    "poll_interval": timedelta(seconds=7),
    "max_poll_interval": timedelta(minutes=1),
    "max_rejected": 0.05,
    "min_rows": 1,
    "outage_tolerance": timedelta(minutes=10),
    "deferrable": True,
}
MAKERS: dict[str, Callable[..., Any]] = {
    "push": lambda **more: PigmentPushCsvOperator(task_id="t", configuration_id=UUID, data="a\n1\n", **more),
    "start": lambda **more: WebsaleStartImportOperator(task_id="t", service="product", data=[{"a": 1}], **more),
    "sensor": lambda **more: PigmentImportSensor(task_id="t", import_id=UUID, **more),
    "websale sensor": lambda **more: WebsaleImportSensor(task_id="t", service="product", **more),
}
each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each
def test_one_default_args_serves_both(make: Callable[..., Any]) -> None:
    with DAG("a", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=SHARED):
        task = make()

    seconds = {name: getattr(task, name) for name in SHARED}
    assert seconds == {
        "timeout": 7200,
        "poll_interval": 7,
        "max_poll_interval": 60,
        "max_rejected": 0.05,
        "min_rows": 1,
        "outage_tolerance": 600,
        "deferrable": True,
    }
    assert getattr(task, "poke_interval", 7) == 7


@each
def test_what_is_shared_is_what_the_trigger_gets(
    make: Callable[..., Any], sandbox_connections: Any, make_context: Any
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        make(**SHARED).execute(make_context())

    arguments = deferred.value.trigger.serialize()[1]
    assert (arguments["poll_interval"], arguments["max_poll_interval"], arguments["outage_tolerance"]) == (7, 60, 600)
    assert arguments["deadline"] == pytest.approx(time.time() + 7200, abs=60)


def test_a_sensors_own_poke_interval_wins_over_a_shared_poll_interval() -> None:
    assert MAKERS["sensor"](poll_interval=5, poke_interval=33).poke_interval == 33
    assert MAKERS["sensor"](poke_interval=33).poke_interval == 33
    assert MAKERS["sensor"]().poke_interval == 60
    assert MAKERS["websale sensor"]().poke_interval == 5
    assert MAKERS["websale sensor"](poll_interval=9).poke_interval == 9


@each
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("poll_interval", "soon", "poll_interval must be a number of seconds greater than 0 .*not 'soon'"),
        ("poll_interval", 0, "poll_interval must be a number of seconds greater than 0"),
        ("max_poll_interval", None, "max_poll_interval must be a number of seconds"),
        ("outage_tolerance", timedelta(0), "outage_tolerance must be a number of seconds greater than 0"),
        ("max_rejected", "5", "max_rejected must be None, a number of rows"),
        ("max_rejected", 1.5, "max_rejected must be None, a number of rows"),
        ("min_rows", 0.5, "min_rows must be None or a number of rows"),
        ("min_rows", True, "min_rows must be None or a number of rows"),
        ("deferrable", "yes", "deferrable must be True or False, not 'yes'"),
    ],
)
def test_what_is_not_templated_is_refused_when_the_dag_is_parsed(
    make: Callable[..., Any], name: str, value: Any, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"{told}.*Nothing was sent") as raised:
        make(**{name: value})

    assert name in str(raised.value)


@pytest.mark.parametrize("name", ["wait_for_completion", "cancel_on_kill", "cancel_on_timeout", "durable"])
def test_a_yes_or_no_is_refused_when_the_dag_is_parsed(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{name} must be True or False, not 'no'"):
        MAKERS["start"](**{name: "no"})


def test_what_has_the_same_name_has_the_same_default() -> None:
    operators = inspect.signature(PigmentPushCsvOperator).parameters
    sensors = inspect.signature(PigmentImportSensor).parameters

    shared = set(operators) & set(sensors) - {"kwargs", "poll_interval"}
    assert shared >= {"deferrable", "max_poll_interval", "max_rejected", "min_rows", "outage_tolerance"}
    assert {name: operators[name].default for name in shared} == {name: sensors[name].default for name in shared}


def looks(monkeypatch: pytest.MonkeyPatch, *answers: ImportStatus | Exception) -> list[ImportStatus | Exception]:
    """Let these be what each look sees; the last one again and again."""
    left = list(answers)

    def get_status(self: Any, run: Any) -> ImportStatus:
        seen = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(seen, Exception):
            raise seen
        return seen

    monkeypatch.setattr(ImportHook, "get_status", get_status)
    return left


RUNNING = ImportStatus(ImportState.RUNNING, "InProgress")
DOWN = VendorUnavailableError("no answer", vendor="pigment")


def test_a_poking_sensor_fails_after_a_long_outage(
    sandbox_connections: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(monkeypatch, RUNNING, DOWN)

    with pytest.raises(VendorUnavailableError, match="could not be read for longer than outage_tolerance") as raised:
        MAKERS["sensor"](poke_interval=0.01, outage_tolerance=0.05, timeout=60).execute(make_context())

    assert raised.value.manifest is not None
    assert raised.value.manifest["vendor_status"] == "InProgress"


def test_one_good_answer_forgives_an_outage(
    sandbox_connections: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = ImportStatus(ImportState.SUCCEEDED, "Completed")
    sensor, context = MAKERS["sensor"](outage_tolerance=0.2), make_context()
    looks(monkeypatch, DOWN)
    assert sensor.poke(context) is False
    sensor._failing_since -= 0.19
    looks(monkeypatch, RUNNING)
    assert sensor.poke(context) is False
    looks(monkeypatch, DOWN)
    assert sensor.poke(context) is False, "it began anew"
    looks(monkeypatch, done)
    assert sensor.poke(context).is_done


def test_a_rescheduled_sensor_knows_when_an_outage_began(
    sandbox_connections: Any,
    make_context: Any,
    task_state_store: Any,
    rescheduled_since: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks(monkeypatch, DOWN)
    context = make_context()
    rescheduled_since(context, lambda: None)

    def look() -> None:
        MAKERS["sensor"](mode="reschedule", outage_tolerance=600).execute(context)

    for _ in range(2):
        with pytest.raises(AirflowRescheduleException):
            look()
    task_state_store.set(OUTAGE_KEY, time.time() - 601)
    with pytest.raises(VendorUnavailableError, match="outage_tolerance"):
        look()
    with pytest.raises(AirflowRescheduleException):
        look()  # a retry, or a cleared task, begins anew
    looks(monkeypatch, RUNNING)
    with pytest.raises(AirflowRescheduleException):
        look()
    assert task_state_store.get(OUTAGE_KEY) is None


def test_without_a_store_a_rescheduled_sensor_looks_until_its_timeout(
    sandbox_connections: Any, make_context: Any, rescheduled_since: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(monkeypatch, DOWN)
    context = make_context(task_state_store=None)
    rescheduled_since(context, lambda: None)

    with pytest.raises(AirflowRescheduleException):
        MAKERS["sensor"](mode="reschedule", outage_tolerance=0.001).execute(context)


REFUSED = Ending(Outcome.REFUSED, RUNNING, "VendorAuthError", "the key was refused")


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_refused_credentials_are_not_skipped_over(
    mode: str, sandbox_connections: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_imports.trigger_event import Event

    sensor = MAKERS["sensor"](soft_fail=True)
    looks(monkeypatch, VendorAuthError("the key was refused", vendor="pigment"))

    def run() -> Any:
        if mode == "poke":
            return sensor.execute(make_context())
        event = Event(REFUSED, time.time(), sensor.run_to_watch()).to_json()
        return sensor.resume_execution("execute_complete", {"event": event}, make_context())

    with pytest.raises(VendorAuthError):
        run()


def test_a_connection_that_is_missing_is_not_skipped_over(make_context: Any) -> None:
    from airflow_provider_imports.exceptions import ConnectionSettingsError

    with pytest.raises(ConnectionSettingsError):
        MAKERS["sensor"](soft_fail=True, conn_id="there_is_none").execute(make_context())


def test_a_sensor_that_never_fails_skips_over_everything(
    sandbox_connections: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(monkeypatch, VendorAuthError("the key was refused", vendor="pigment"))

    with pytest.raises(AirflowSkipException):
        MAKERS["sensor"](never_fail=True).execute(make_context())


def test_a_failed_import_is_skipped_over_when_it_is_resumed(sandbox_connections: Any, make_context: Any) -> None:
    from airflow_provider_imports.trigger_event import Event

    sensor = MAKERS["sensor"](soft_fail=True)
    end = Ending(Outcome.FAILED, ImportStatus(ImportState.FAILED, "Failed"))
    event = Event(end, time.time(), sensor.run_to_watch()).to_json()

    with pytest.raises(AirflowSkipException) as skipped:
        sensor.resume_execution("execute_complete", {"event": event}, make_context())

    cause: BaseException | None = skipped.value
    while cause is not None and not isinstance(cause, ImportFailedError):
        cause = cause.__cause__
    assert cause is not None


@each
def test_execution_timeout_cuts_the_deadline_of_a_deferral(
    make: Callable[..., Any], sandbox_connections: Any, make_context: Any
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        make(deferrable=True, timeout=86400, execution_timeout=timedelta(hours=1)).execute(make_context())

    assert deferred.value.trigger.serialize()[1]["deadline"] == pytest.approx(time.time() + 3540, abs=30)

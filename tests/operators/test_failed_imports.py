"""A failed import tells callbacks (the error) and downstream tasks (XCom) everything that is known of it."""

from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, AirflowTaskTimeout, Asset

from airflow_provider_imports.exceptions import (
    ImportCanceledError,
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    SensorTimeoutError,
    TriggerEventError,
    VendorAuthError,
    VendorImportError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, Sent
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.trigger_event import Event
from tests.tries import defer, finish, starts

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = ImportRun("pigment", {"import_id": "33d0d7d0-6125-47c4-b36a-882f4ed53b33"})
COUNTS = Counts(inserted=7, skipped=3)
SEEN = ImportStatus(ImportState.RUNNING, "InProgress", counts=COUNTS, errors=("row 7: no such item",))
ENDINGS = {
    ImportFailedError: Ending(Outcome.FAILED, ImportStatus(ImportState.FAILED, "Failed", counts=COUNTS)),
    ImportCanceledError: Ending(Outcome.CANCELED, ImportStatus(ImportState.CANCELED, "Canceled", counts=COUNTS)),
    ImportRejectedRecordsError: Ending(
        Outcome.SUCCEEDED, ImportStatus(ImportState.SUCCEEDED, "Completed", counts=COUNTS, errors=SEEN.errors)
    ),
    ImportTimeoutError: Ending(Outcome.TIMED_OUT, SEEN),
    VendorUnavailableError: Ending(Outcome.UNREACHABLE, SEEN, "VendorUnavailableError", "no answer"),
    ImportSupersededError: Ending(Outcome.SUPERSEDED, SEEN, "ImportSupersededError", "another import"),
    VendorAuthError: Ending(Outcome.REFUSED, SEEN, "VendorAuthError", "the key was refused"),
}
BAD_ROW = "a;b\n1;2\n3\n"


def failure_of(run: Callable[[], Any], kind: type[BaseException] = VendorImportError) -> Any:
    """The error of a task."""
    with pytest.raises(kind) as raised:
        run()
    return raised.value


def assert_told(error: Any, context: dict[str, Any]) -> dict[str, Any]:
    """The error and XCom say the same, and both are plain; return the manifest."""
    manifest: dict[str, Any] = error.manifest
    assert json.loads(json.dumps(manifest, allow_nan=False)) == manifest == context["ti"].xcoms["manifest"]
    assert manifest["run"] == dict(error.run.key)
    assert manifest["error"] == {"type": type(error).__name__, "message": str(error)}
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.run, copy.status, copy.manifest) == (str(error), error.run, error.status, manifest)
    return manifest


@pytest.mark.parametrize("ending", ENDINGS.items(), ids=lambda ending: ending[0].__name__)
def test_every_end_of_an_operator_is_told(
    ending: tuple[type[VendorImportError], Ending],
    deferrable: bool,
    sandbox_connections: Any,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, end = ending
    task, context = (
        PigmentPushCsvOperator(task_id="push", configuration_id="c", data="a", max_rejected=2),
        make_context(),
    )
    if deferrable:
        event = Event(end, time.time(), RUN).to_json()
        error = failure_of(lambda: task.execute_complete(context, event, {"rows": 10, "bytes": 99}), kind)
    else:
        monkeypatch.setattr(ImportHook, "wait", lambda self, run, policy: end)
        monkeypatch.setattr(task, "_attach_or_start", lambda context: (RUN, SEEN))
        monkeypatch.setattr(task, "sent", lambda: Sent(rows=10, bytes=99))
        monkeypatch.setattr(task, "check", lambda: None)
        error = failure_of(lambda: task.execute(context), kind)

    assert (error.run, error.status, error.counts, error.rejected) == (RUN, end.status, COUNTS, 3)
    assert error.errors == (end.status.errors if end.status else ())
    manifest = assert_told(error, context)
    assert task._manifest == manifest, "what reads the operator afterwards, such as lineage, finds it there"
    assert manifest["counts"]["inserted"] == 7
    assert manifest["errors"] == list(error.errors)
    assert manifest["sent"] == {"rows": 10, "bytes": 99}


@pytest.mark.parametrize("ending", ENDINGS.items(), ids=lambda ending: ending[0].__name__)
def test_every_end_of_a_deferred_sensor_is_told(
    ending: tuple[type[VendorImportError], Ending], sandbox_connections: Any, make_context: Any
) -> None:
    kind, end = ending
    task, context = PigmentImportSensor(task_id="wait", import_id=RUN.key["import_id"], max_rejected=2), make_context()

    error = failure_of(lambda: task.execute_complete(context, Event(end, time.time(), RUN).to_json()), kind)

    assert (error.run, error.status, error.rejected) == (RUN, end.status, 3)
    assert assert_told(error, context)["sent"] is None


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_sensor_that_skips_tells_it_too(mode: str, sandbox_connections: Any, make_context: Any, sandbox: Any) -> None:
    sandbox.change_settings(run_seconds=300.0)
    run, context = PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID), make_context()

    def sensor() -> PigmentImportSensor:
        return PigmentImportSensor(
            task_id="wait",
            import_id=run.key["import_id"],
            deferrable=mode == "deferrable",
            timeout=0.2,
            poke_interval=0.05,
            soft_fail=True,
        )

    skipped = failure_of(lambda: finish(sensor, context), AirflowSkipException)

    error = skipped.__cause__
    assert isinstance(error, SensorTimeoutError)
    assert error.status is not None
    assert error.status.state is ImportState.RUNNING
    assert_told(error, context)


class Way(NamedTuple):
    """
    A way in which an import ends badly.

    :param told: what the manifest says: its state, the vendor's word and the rejected rows
    :param parameters: what makes the task see it
    """

    kind: type[VendorImportError]
    told: tuple[str, str, int | None]
    parameters: dict[str, Any]


WAYS = {
    "failed": Way(ImportFailedError, ("failed", "Failed", None), {}),
    "rejected": Way(ImportRejectedRecordsError, ("succeeded", "Completed", 1), {"max_rejected": 0}),
    "too few": Way(ImportRejectedRecordsError, ("succeeded", "Completed", 1), {"min_rows": 3}),
    "timeout": Way(ImportTimeoutError, ("running", "InProgress", None), {"timeout": 0.4}),
    "outage": Way(VendorUnavailableError, ("running", "unknown", None), {"outage_tolerance": 0.1, "timeout": 60}),
}


def let_it_end_badly(sandbox: Any, way: str) -> None:
    """Make the vendor end its imports in this way."""
    sandbox.change_settings(run_seconds=300.0 if way == "timeout" else 0.05)
    if way == "outage":
        sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=None)


def look_until_the_end(sensor: PigmentImportSensor, context: dict[str, Any]) -> Any:
    """Go on as Airflow does with a sensor that is rescheduled."""
    while True:
        try:
            return finish(lambda: sensor, context)
        except AirflowRescheduleException:
            continue


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["blocking", "deferrable", "poke", "reschedule", "deferrable sensor"])
def test_whatever_ends_an_import_badly_is_told_by_every_task(
    way: str, mode: str, pigment: Any, make_context: Any, rescheduled_since: Any
) -> None:
    let_it_end_badly(pigment, way)
    kind, told, parameters = WAYS[way]
    data: Any = [{"__fail__": "1"}, {"__fail__": "2"}] if way == "failed" else "a;b\n1;2\n3\n"
    context = make_context()
    if mode in ("blocking", "deferrable"):
        given = {"configuration_id": UPLOAD_CONFIGURATION_ID, "data": data, "poll_interval": 0.05, **parameters}
        push = partial(PigmentPushCsvOperator, task_id="push", deferrable=mode == "deferrable", **given)
        error = failure_of(lambda: finish(push, context), kind)
        run = {"import_id": starts(pigment)[0].run}
    else:
        body = b"__fail__;a\n1;2\n" if way == "failed" else b"a;b\n1;2\n3\n"
        run = dict(PigmentHook().push_csv(UPLOAD_CONFIGURATION_ID, body).key)
        given = {**run, "poke_interval": 0.05, "mode": "reschedule" if mode == "reschedule" else "poke", **parameters}
        sensor = PigmentImportSensor(task_id="wait", deferrable=mode == "deferrable sensor", **given)
        began = datetime.now(UTC)
        rescheduled_since(context, lambda: began)
        error = failure_of(lambda: look_until_the_end(sensor, context), kind)

    manifest = assert_told(error, context)
    assert (manifest["state"], manifest["vendor_status"], manifest["rejected"]) == told
    assert manifest["run"] == run
    assert bool(manifest["errors"]) is (told[0] != "running"), "the vendor's own words"
    if mode in ("blocking", "deferrable"):
        sent = starts(pigment)[0].bytes
        assert manifest["sent"] == {"rows": 2 if way == "failed" else None, "bytes": sent}
        assert context["ti"].xcoms["import_run"] == run
    else:
        assert manifest["sent"] is None, "another system sent it"
    assert len(starts(pigment)) == 1


def test_an_event_that_is_not_understood_is_told_with_the_run_that_is_stored(
    trigger_task: Any, make_context: Any, sandbox: Any, deferrable: bool
) -> None:
    if not deferrable:
        pytest.skip("a blocking task has no event")
    defer(trigger_task(), make_context())
    context = make_context()

    error = failure_of(lambda: trigger_task()().execute_complete(context, {"version": 9}), TriggerEventError)

    assert assert_told(error, context)["run"] == {"import_id": starts(sandbox)[0].run}


def test_a_start_that_was_refused_has_no_manifest(push_task: Any, make_context: Any, sandbox: Any) -> None:
    context = make_context()

    error = failure_of(lambda: finish(push_task(configuration_id="33d0d7d0-6125-47c4-b36a-882f4ed53b34"), context))

    assert (error.run, error.manifest, error.counts, error.rejected, error.errors) == (None, None, None, None, ())
    assert "manifest" not in context["ti"].xcoms


def test_execution_timeout_of_a_blocking_task_is_told(
    trigger_task: Any, make_context: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: Any, run: Any, policy: Any) -> None:
        raise AirflowTaskTimeout("Timeout")

    monkeypatch.setattr(ImportHook, "wait", cut)
    context = make_context()

    failure_of(lambda: trigger_task(deferrable=False)().execute(context), AirflowTaskTimeout)

    assert context["ti"].xcoms["manifest"]["error"]["type"] == "AirflowTaskTimeout"


def test_without_xcoms_the_error_alone_tells_it(push_task: Any, make_context: Any) -> None:
    context = make_context()

    error = failure_of(lambda: finish(push_task(data=BAD_ROW, max_rejected=0, do_xcom_push=False), context))

    assert error.manifest["rejected"] == 1
    assert context["ti"].xcoms == {}


def test_a_success_has_its_manifest_under_the_same_key(push_task: Any, make_context: Any) -> None:
    context = make_context()

    manifest = finish(push_task(data="a;b\n1;2\n"), context)

    assert context["ti"].xcoms["manifest"] == manifest
    assert (manifest["error"], manifest["errors"]) == (None, [])


@pytest.mark.parametrize("soft", [False, True])
def test_a_sensor_gives_its_asset_events_what_an_operator_gives(
    soft: bool, sandbox_connections: Any, make_context: Any, sandbox: Any
) -> None:
    sandbox.change_settings(run_seconds=0.05)
    run, context, plan = PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID), make_context(), Asset("x://plan")

    manifest = finish(
        lambda: PigmentImportSensor(
            task_id="wait", import_id=run.key["import_id"], poke_interval=0.05, soft_fail=soft, outlets=[plan]
        ),
        context,
    )

    extra = context["outlet_events"][plan].extra
    assert extra == {name: manifest[name] for name in ("vendor", "run", "state", "counts", "rejected")}

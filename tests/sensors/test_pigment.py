"""Pigment's sensor: poke, reschedule and deferrable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    timezone,
)

from airflow_provider_imports.exceptions import (
    ImportFailedError,
    ImportRejectedRecordsError,
    InvalidInputError,
    TriggerEventError,
    VendorAuthError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.sandbox.pigment import (
    FAILING_CONFIGURATION_ID,
    INTEGRATION_CONFIGURATION_ID,
    UPLOAD_CONFIGURATION_ID,
)
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from tests.tries import defer, finish, requests

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNKNOWN = "11111111-2222-3333-4444-555555555555"
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once."""
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Every way to wait."""
    return str(request.param)


@pytest.fixture
def started(sandbox_connections: Any) -> Callable[..., str]:
    """Start an import, as somebody else does, and give its importId."""
    sandbox_connections.change_settings(run_seconds=0.05)

    def start(configuration_id: str = INTEGRATION_CONFIGURATION_ID, data: bytes | None = None) -> str:
        hook = PigmentHook()
        run = hook.trigger_import(configuration_id) if data is None else hook.push_csv(UPLOAD_CONFIGURATION_ID, data)
        return run.key["import_id"]

    return start


@pytest.fixture
def sensor_for(mode: str, sandbox_connections: Any) -> Callable[..., Callable[[], PigmentImportSensor]]:
    """``sensor_for(import_id, **parameters)`` gives a maker of sensors."""

    def sensor(import_id: str, **parameters: Any) -> Callable[[], PigmentImportSensor]:
        given: dict[str, Any] = {"poke_interval": 0.05, "timeout": 60, **MODES[mode], **parameters}
        return lambda: PigmentImportSensor(task_id="wait", import_id=import_id, **given)

    return sensor


@pytest.fixture
def watch(mode: str, make_context: Any, rescheduled_since: Any) -> Callable[[Callable[[], Any]], Any]:
    """Wait as Airflow does in this mode: in reschedule mode every look is made by a new process."""

    def to_the_end(make: Callable[[], Any]) -> Any:
        context = make_context()
        first: list[Any] = [None]
        rescheduled_since(context, lambda: first[0])
        while True:
            try:
                return finish(make, context)
            except AirflowRescheduleException:
                first[0] = first[0] or timezone.utcnow()

    return to_the_end


def test_it_waits_for_an_import_that_somebody_else_started(
    sensor_for: Any, watch: Any, started: Any, sandbox: Any
) -> None:
    import_id = started()
    manifest = watch(sensor_for(import_id))
    assert manifest["state"] == "succeeded"
    assert manifest["run"] == {"import_id": import_id}
    assert manifest["counts"]["inserted"] == 1000
    assert json.loads(json.dumps(manifest)) == manifest
    assert set(requests(sandbox)) == {"trigger_import", "get_import_status"}
    assert requests(sandbox).count("trigger_import") == 1, "a sensor starts nothing"


def test_every_mode_returns_the_same_keys(sensor_for: Any, watch: Any, started: Any) -> None:
    assert list(watch(sensor_for(started()))) == [
        "vendor",
        "state",
        "vendor_status",
        "run",
        "sendings",
        "counts",
        "rejected",
        "auto_created",
        "written",
        "sent",
        "unaccounted",
        "message",
        "errors",
        "error",
        "started_at",
        "finished_at",
        "url",
    ]


def test_a_failed_import_fails_it_with_pigments_words(sensor_for: Any, watch: Any, started: Any) -> None:
    with pytest.raises(ImportFailedError, match="SandboxFailure: the import was made to fail"):
        watch(sensor_for(started(FAILING_CONFIGURATION_ID)))


def test_a_failed_import_skips_it_if_it_fails_softly(sensor_for: Any, watch: Any, started: Any) -> None:
    with pytest.raises(AirflowSkipException):
        watch(sensor_for(started(FAILING_CONFIGURATION_ID), soft_fail=True))


def test_rejected_rows_count_as_they_do_for_the_operator(sensor_for: Any, watch: Any, started: Any) -> None:
    half_bad = b"a;b\n1;2\n1\n"
    assert watch(sensor_for(started(data=half_bad), max_rejected=1))["rejected"] == 1
    with pytest.raises(ImportRejectedRecordsError, match="1 row was rejected, max_rejected=0"):
        watch(sensor_for(started(data=half_bad), max_rejected=0))
    with pytest.raises(ImportRejectedRecordsError, match="every row was rejected"):
        watch(sensor_for(started(data=b"a;b\n1\n")))


def test_it_times_out(sensor_for: Any, watch: Any, started: Any, sandbox: Any) -> None:
    sandbox.change_settings(run_seconds=300.0)
    with pytest.raises(AirflowSensorTimeout):
        watch(sensor_for(started(), timeout=0.3))


def test_it_skips_at_its_timeout_if_it_fails_softly(sensor_for: Any, watch: Any, started: Any, sandbox: Any) -> None:
    sandbox.change_settings(run_seconds=300.0)
    with pytest.raises(AirflowSkipException):
        watch(sensor_for(started(), timeout=0.3, soft_fail=True))


def test_an_outage_does_not_end_it(sensor_for: Any, watch: Any, started: Any, sandbox: Any, capsys: Any) -> None:
    import_id = started()
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=7)
    assert watch(sensor_for(import_id))["state"] == "succeeded"
    assert "HTTP 503" in capsys.readouterr().out


def test_an_unreadable_answer_does_not_end_it(sensor_for: Any, watch: Any, started: Any, sandbox: Any) -> None:
    import_id = started()
    sandbox.add_fault("html", vendor="pigment", operation="get_import_status", status=200, when="after", count=2)
    sandbox.add_fault("truncated_json", vendor="pigment", operation="get_import_status", count=2)
    assert watch(sensor_for(import_id))["state"] == "succeeded"


def test_right_behind_the_start_it_waits_out_pigments_lag(
    sensor_for: Any, watch: Any, started: Any, sandbox: Any, capsys: Any
) -> None:
    sandbox.change_settings(pigment={"status_lag_seconds": 0.4})
    assert watch(sensor_for(started()))["state"] == "succeeded"
    assert "HTTP 404: Status with the specified importId was not found" in capsys.readouterr().out


def test_an_import_that_pigment_still_does_not_know_after_the_lag_ends_it_for_good(
    sensor_for: Any, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PigmentHook, "not_found_grace", 0.2)
    with pytest.raises(VendorRequestError, match="Pigment knows no import with this importId") as caught:
        watch(sensor_for(UNKNOWN))
    assert isinstance(caught.value, AirflowFailException)


def test_a_wrong_key_ends_it_for_good(
    sensor_for: Any, watch: Any, started: Any, sandbox: Any, set_connection: Callable[..., str]
) -> None:
    import_id = started()
    set_connection("pigment_default", **{**sandbox.connection("pigment"), "password": "expired-key"})
    with pytest.raises(VendorAuthError) as caught:
        watch(sensor_for(import_id))
    assert isinstance(caught.value, AirflowFailException)
    assert "expired-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"import_id": "latest"}, "import_id must be a UUID like"),
        ({"import_id": ""}, "import_id must be a UUID like"),
        ({"conn_id": ""}, "conn_id must be a text"),
        ({"max_rejected": 2.0}, "max_rejected must be None"),
        ({"outage_tolerance": 0}, "outage_tolerance must be a number"),
        ({"max_poll_interval": 0}, "max_poll_interval must be a number"),
        ({"poke_interval": 0}, "poke_interval must be a number"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(
    sensor_for: Any, make_context: Any, sandbox: Any, parameters: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        sensor_for(**{"import_id": UNKNOWN, **parameters})().execute(make_context())
    assert sandbox.journal == []


def test_what_is_templated() -> None:
    assert PigmentImportSensor.template_fields == ("conn_id", "import_id")


# Deferrable only


@pytest.mark.parametrize("mode", ["deferrable"], indirect=True)
@pytest.mark.parametrize("event", [None, {}, "success", {"version": 2}], ids=repr)
def test_an_event_that_is_not_understood_is_no_success(sensor_for: Any, make_context: Any, event: Any) -> None:
    with pytest.raises(TriggerEventError):
        sensor_for(UNKNOWN)().execute_complete(make_context(), event=event)


@pytest.mark.parametrize("mode", ["deferrable"], indirect=True)
def test_its_trigger_cancels_nothing_whatever_happens(sensor_for: Any, make_context: Any) -> None:
    _, arguments = defer(sensor_for(UNKNOWN), make_context()).trigger.serialize()
    assert arguments["cancel_on_kill"] is False


@pytest.mark.parametrize("mode", ["deferrable"], indirect=True)
def test_an_outage_beyond_the_tolerance_ends_it(sensor_for: Any, watch: Any, started: Any, sandbox: Any) -> None:
    import_id = started()
    sandbox.add_fault("status", vendor="pigment", operation="get_import_status", status=503, count=None)
    with pytest.raises(VendorUnavailableError, match="for longer than outage_tolerance"):
        watch(sensor_for(import_id, outage_tolerance=0.2))


@pytest.mark.parametrize("mode", ["deferrable"], indirect=True)
def test_the_timeout_tells_what_was_seen_last(sensor_for: Any, watch: Any, started: Any, sandbox: Any) -> None:
    sandbox.change_settings(run_seconds=300.0)
    with pytest.raises(
        AirflowSensorTimeout,
        match=r"did not end before the sensor's timeout\. Last seen: running \(InProgress\)\. It was left",
    ):
        watch(sensor_for(started(), timeout=0.2))

"""The sensors that wait for the arrival of one record: poke, reschedule and deferrable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, timezone

from airflow_provider_imports.exceptions import InvalidInputError, VendorAuthError
from airflow_provider_imports.hooks.bloomreach import BloomreachHook
from airflow_provider_imports.hooks.blueshift import BlueshiftHook
from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID
from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID
from airflow_provider_imports.sensors.bloomreach import BloomreachArrivalSensor
from airflow_provider_imports.sensors.blueshift import BlueshiftArrivalSensor
from tests.tries import finish

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STAMP = "scheduled__2026-11-25T06:00:00+00:00"
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True},
}


def bloomreach(**parameters: Any) -> BloomreachArrivalSensor:
    given = {"customer_ids": {"registered": "canary@example.com"}, "property_name": "import_stamp", "value": STAMP}
    return BloomreachArrivalSensor(task_id="wait", **{**given, **parameters})


def blueshift(**parameters: Any) -> BlueshiftArrivalSensor:
    given = {"customer_email": "canary@example.com", "attribute": "import_stamp", "value": STAMP}
    return BlueshiftArrivalSensor(task_id="wait", **{**given, **parameters})


SENSORS = {"bloomreach": bloomreach, "blueshift": blueshift}
STARTS: dict[str, Callable[[], Any]] = {
    "bloomreach": lambda: BloomreachHook().start_import(UI_IMPORT_ID),
    "blueshift": lambda: BlueshiftHook().trigger_customer_import(LAUNCHED_UUID),
}


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once."""
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Every way to wait."""
    return str(request.param)


@pytest.fixture(params=SENSORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Both vendors that publish no status."""
    return str(request.param)


@pytest.fixture
def upload(sandbox_connections: Any, vendor: str, tmp_path: Path) -> Callable[[str], None]:
    """Write the file that the vendor's imports load, with a canary as its last row."""
    file = tmp_path / "customers.csv"
    sandbox_connections.change_settings(run_seconds=0.05, **{vendor: {"source": str(file)}})

    def write(stamp: str) -> None:
        rows = ["email,registered,import_stamp", "a@example.com,a@example.com,"]
        rows.append(f"canary@example.com,canary@example.com,{stamp}")
        file.write_text("\n".join(rows))

    return write


@pytest.fixture
def watch(
    vendor: str, mode: str, sandbox_connections: Any, make_context: Any, rescheduled_since: Any
) -> Callable[..., Any]:
    """Wait as Airflow does in this mode: in reschedule mode every look is made by a new process."""

    def to_the_end(**parameters: Any) -> Any:
        context = make_context()
        first: list[Any] = [None]
        rescheduled_since(context, lambda: first[0])
        given: dict[str, Any] = {"poke_interval": 0.05, "timeout": 60, **MODES[mode], **parameters}
        while True:
            try:
                return finish(lambda: SENSORS[vendor](**given), context)
            except AirflowRescheduleException:
                first[0] = first[0] or timezone.utcnow()

    return to_the_end


def test_it_waits_until_the_record_has_its_stamp(
    upload: Callable[[str], None], watch: Any, sandbox: Any, vendor: str
) -> None:
    upload("an older stamp")
    STARTS[vendor]()
    upload(STAMP)
    sandbox.change_settings(run_seconds=0.5)
    if vendor == "blueshift":
        sandbox.reset()  # the task can be triggered again
    STARTS[vendor]()
    sandbox.clear_journal()
    manifest = watch()
    assert manifest["state"] == "evidence"
    assert manifest["vendor_status"] == "arrived"
    assert manifest["message"] == f"the record has import_stamp={STAMP}, which proves this row and no other"
    assert manifest["rejected"] is None
    reads = [entry.operation for entry in sandbox.journal]
    assert set(reads) == {"get_customer_properties" if vendor == "bloomreach" else "get_customers"}
    assert not [entry for entry in sandbox.journal if entry.acted], "a sensor starts nothing"


@pytest.mark.parametrize("unknown_is_404", [False, True])
def test_a_record_that_never_comes_ends_at_the_timeout_and_says_what_was_seen(
    watch: Any, sandbox: Any, vendor: str, mode: str, unknown_is_404: bool
) -> None:
    sandbox.change_settings(**{vendor: {"unknown_customer_is_404": unknown_is_404}})
    with pytest.raises(AirflowSensorTimeout) as caught:
        watch(timeout=0.3)
    if mode == "deferrable":
        is_known = vendor == "bloomreach" and not unknown_is_404
        assert ("import_stamp is nothing so far" if is_known else "no such record yet") in str(caught.value)


def test_a_timeout_skips_it_if_it_fails_softly(watch: Any) -> None:
    with pytest.raises(AirflowSkipException):
        watch(timeout=0.2, soft_fail=True)


def test_an_outage_is_waited_out(upload: Callable[[str], None], watch: Any, sandbox: Any, vendor: str) -> None:
    upload(STAMP)
    STARTS[vendor]()
    sandbox.add_fault("status", vendor=vendor, status=503, count=3)
    assert watch()["state"] == "evidence"


def test_a_wrong_key_ends_it_for_good(
    watch: Any, sandbox: Any, vendor: str, set_connection: Callable[..., str]
) -> None:
    set_connection(f"{vendor}_default", **{**sandbox.connection(vendor), "password": "wrong-s3cret"})
    with pytest.raises(VendorAuthError) as caught:
        watch()
    assert "wrong-s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("vendor", "parameters", "told"),
    [
        ("bloomreach", {"customer_ids": {}}, "customer_ids must be a dict with at least one id"),
        ("bloomreach", {"property_name": ""}, "property_name must be a text"),
        ("bloomreach", {"value": "None"}, "value is the text 'None'"),
        ("blueshift", {"customer_email": " "}, "customer_email must be a text"),
        ("blueshift", {"value": ""}, "value must be a text"),
        ("blueshift", {"conn_id": ""}, "conn_id must be"),
    ],
    indirect=["vendor"],
)
def test_wrong_parameters_send_nothing(watch: Any, sandbox: Any, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        watch(**parameters)
    assert not sandbox.journal

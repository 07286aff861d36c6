"""WEBSALE's sensor against the sandbox: it waits for somebody else's import, and starts and cancels nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_imports.exceptions import (
    ImportCanceledError,
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    InvalidInputError,
)
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.sensors.websale import WebsaleImportSensor
from tests.tries import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeTask = Callable[..., Callable[[], Any]]


@pytest.fixture(params=[False, True], ids=["poke", "deferrable"])
def watch(request: pytest.FixtureRequest, sandbox_connections: Any) -> MakeTask:
    """``watch(**parameters)`` gives a maker of WebsaleImportSensors."""

    def task(**parameters: Any) -> Callable[[], WebsaleImportSensor]:
        given = {"service": "product", "deferrable": request.param, "poke_interval": 0.05, "timeout": 20}
        return lambda: WebsaleImportSensor(task_id="watch", **{**given, **parameters})

    return task


@pytest.fixture
def somebody(sandbox_connections: Any) -> WebsaleHook:
    """Whoever starts imports."""
    return WebsaleHook()


def result(value: Any) -> dict[str, Any]:
    """What a sensor returns: the manifest, whichever mode it ran in."""
    manifest: dict[str, Any] = getattr(value, "xcom_value", value)
    return manifest


@pytest.fixture
def no_acts(sandbox: Any) -> Callable[[], bool]:
    """Say whether the sensor only read: one start, by somebody else, and no other act than log-ins."""
    return lambda: {one.operation for one in sandbox.entries("websale") if one.acted} <= {"login", "start_import"}


@pytest.mark.parametrize("named", [True, False], ids=["by its start", "whichever is current"])
def test_it_waits_for_the_end(
    watch: MakeTask, somebody: WebsaleHook, make_context: Any, no_acts: Callable[[], bool], named: bool
) -> None:
    run = somebody.start_import("product", b'[{"a": 1}, {}]', "json")
    manifest = result(finish(watch(start=run.key["start"] if named else None), make_context()))
    assert (manifest["state"], manifest["rejected"]) == ("succeeded", 1)
    assert manifest["run"] == (dict(run.key) if named else {"service": "product"})
    assert manifest["started_at"]
    assert no_acts()


def test_without_a_start_an_old_end_satisfies_it(watch: MakeTask, somebody: WebsaleHook, make_context: Any) -> None:
    run = somebody.start_import("product", b'[{"a": 1}]', "json")
    finish(watch(start=run.key["start"]), make_context())
    assert result(finish(watch(), make_context()))["state"] == "succeeded"


def test_another_import_in_its_place_ends_the_wait_for_a_start(
    watch: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, no_acts: Callable[[], bool]
) -> None:
    sandbox.change_settings(run_seconds=3600.0)
    first = somebody.start_import("product", b"[{}]", "json")
    second = somebody.start_import("product", b"[{}]", "json")
    with pytest.raises(ImportSupersededError, match=second.key["start"]):
        finish(watch(start=first.key["start"]), make_context())
    assert no_acts()


def test_a_canceled_import_fails_it(watch: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any) -> None:
    sandbox.change_settings(run_seconds=3600.0)
    somebody.start_import("product", b"[{}]", "json")
    somebody.cancel_import("product")
    with pytest.raises(ImportCanceledError):
        finish(watch(), make_context())


def test_a_failed_import_and_too_many_failed_records_fail_it(
    watch: MakeTask, somebody: WebsaleHook, make_context: Any
) -> None:
    run = somebody.start_import("product", b'[{"__fail__": 1}]', "json")
    with pytest.raises(ImportFailedError, match="globalError 1"):
        finish(watch(start=run.key["start"]), make_context())
    run = somebody.start_import("product", b'[{"a": 1}, {}]', "json")
    with pytest.raises(ImportRejectedRecordsError):
        finish(watch(start=run.key["start"], max_rejected=0), make_context())


def test_a_service_that_never_had_an_import_is_waited_for_until_the_timeout(
    watch: MakeTask, sandbox: Any, make_context: Any
) -> None:
    with pytest.raises(AirflowSensorTimeout):
        finish(watch(timeout=0.3), make_context())
    assert len(sandbox.entries("websale", "get_import_status")) > 1


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({"service": ""}, "service must be a text"), ({"start": ""}, "start must be a text that is not empty")],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(
    watch: MakeTask, sandbox: Any, make_context: Any, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        finish(watch(**parameters), make_context())
    assert not sandbox.entries("websale")

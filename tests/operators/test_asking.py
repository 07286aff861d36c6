"""A vendor that is busy is asked again at growing intervals, blocking or deferred, until the deadline."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests_mock
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_imports.exceptions import ImportBusyError, ImportTimeoutError, InvalidInputError
from airflow_provider_imports.operators import asking
from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from tests.tries import defer, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UUID = "3f6b8f0e-9a3d-4c55-8a57-0c8f6f1d2a10"
BUSY = {"errors": [{"title": "error", "detail": "Error: The import is already being processed"}]}
Make = "Callable[..., Callable[[], Any]]"


@pytest.fixture
def vendor() -> Iterator[requests_mock.Mocker]:
    """What the vendors receive."""
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture(params=["blueshift", "bloomreach"])
def trigger(
    request: pytest.FixtureRequest, set_connection: Any, vendor: requests_mock.Mocker, deferrable: bool
) -> Callable[..., Callable[[], Any]]:
    """``trigger(busy=2)`` gives a maker of operators of a vendor that is busy twice."""

    def make(busy: int, **parameters: Any) -> Callable[[], Any]:
        given = {"deferrable": deferrable, "poll_interval": 0.01, "if_running": "wait", **parameters}
        if request.param == "blueshift":
            set_connection("blueshift_default", conn_type="blueshift", password="key")
            answers = [{"status_code": 405, "json": BUSY}] * busy + [{"status_code": 200, "json": {"status": "ok"}}]
            vendor.post(requests_mock.ANY, answers)
            return lambda: BlueshiftTriggerCustomerImportOperator(task_id="start", uuid=UUID, **given)
        set_connection(
            "bloomreach_default",
            conn_type="bloomreach",
            host="https://api.example.com",
            login="id",
            password="secret",
            extra=json.dumps({"project_token": UUID}),
        )
        refused = {"status_code": 200, "json": {"success": False, "errors": ["Import is already running"]}}
        vendor.post(requests_mock.ANY, [refused] * busy + [{"status_code": 200, "json": {"success": True}}])
        return lambda: BloomreachStartImportOperator(task_id="start", import_id="5f8a", **given)

    return make


def test_it_is_asked_again_until_the_vendor_takes_it(
    trigger: Callable[..., Any], vendor: requests_mock.Mocker, make_context: Any
) -> None:
    manifest = finish(trigger(busy=3), make_context())

    assert manifest["state"] == "accepted"
    assert len(vendor.request_history) == 4
    assert len({(one.method, one.url, one.body) for one in vendor.request_history}) == 1


def test_by_default_the_task_fails_and_a_retry_may_start(
    trigger: Callable[..., Any], vendor: requests_mock.Mocker, make_context: Any
) -> None:
    make = trigger(busy=1, if_running="fail")

    with pytest.raises(ImportBusyError):
        finish(make, make_context())

    assert finish(make, make_context(try_number=2))["state"] == "accepted"
    assert len(vendor.request_history) == 2


def test_one_that_stays_busy_ends_at_the_deadline(
    trigger: Callable[..., Any], vendor: requests_mock.Mocker, make_context: Any, task_state_store: Any
) -> None:
    with pytest.raises(ImportTimeoutError, match=r"stayed busy until the deadline \(timeout\): .*nothing was started"):
        finish(trigger(busy=999, timeout=0.1), make_context())

    assert len(vendor.request_history) > 1
    assert "airflow_provider_imports.run" not in task_state_store.written


def test_a_deferred_wait_keeps_its_deadline_and_its_growing_pauses(
    trigger: Callable[..., Any], make_context: Any, deferrable: bool
) -> None:
    if not deferrable:
        pytest.skip("a blocking task defers nothing")
    make = trigger(busy=999, timeout=500, poll_interval=20, max_poll_interval=60)
    began = time.time()

    deferred = defer(make, make_context())

    path, arguments = deferred.trigger.serialize()
    assert path == "airflow_provider_imports.triggers.pause.PauseTrigger"
    assert 17 < arguments["moment"] - began < 30
    kwargs = deferred.kwargs
    assert kwargs is not None
    assert kwargs["until"] == pytest.approx(began + 500, abs=10)
    with pytest.raises(TaskDeferred) as again:
        make().ask_again(make_context(), {}, began=began - 400, until=began + 100)
    pause = again.value.trigger.serialize()[1]["moment"] - time.time()
    assert 35 < pause < 45, "a tenth of the time that it has taken"
    assert again.value.kwargs == {"began": began - 400, "until": began + 100}


def test_a_word_that_is_none_is_refused(trigger: Callable[..., Any], make_context: Any) -> None:
    with pytest.raises(InvalidInputError, match="if_running must be one of 'fail', 'wait', not 'replace'"):
        finish(trigger(busy=0, if_running="replace"), make_context())


def test_the_pauses_are_the_policys(
    trigger: Callable[..., Any], make_context: Any, deferrable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if deferrable:
        pytest.skip("a deferred task does not sleep")
    slept: list[float] = []
    monkeypatch.setattr(asking.time, "sleep", slept.append)

    finish(trigger(busy=2, poll_interval=50), make_context())

    assert len(slept) == 2
    assert all(44 < one < 56 for one in slept)

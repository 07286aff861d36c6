"""WEBSALE's operators against the sandbox: what the shop received, and what the task's author gets."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_imports.exceptions import (
    ImportBusyError,
    ImportCanceledError,
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.hooks.websale import description as websale
from airflow_provider_imports.operators import unclear_start
from airflow_provider_imports.operators.websale import (
    WebsaleCancelImportOperator,
    WebsalePauseImportOperator,
    WebsaleResumeImportOperator,
    WebsaleStartImportOperator,
)
from airflow_provider_imports.sandbox import websale as stand_in
from airflow_provider_imports.testing.context import TaskStateStoreOfTest
from tests.operators.test_records import LazySequence
from tests.tries import Killed, default_poll_interval, defer, finish, killed_at, moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.sandbox.journal import Entry

    MakeTask = Callable[..., Callable[[], Any]]

ROWS = [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}]
LONG = 3600.0


@pytest.fixture(autouse=True)
def _short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end settles in a moment, and an unclear start is looked after for a moment."""
    default_poll_interval(monkeypatch, "websale", 0.1)
    monkeypatch.setattr(unclear_start, "FIND_OUT_INTERVAL", 0.05)
    monkeypatch.setattr(WebsaleHook, "longest_start", 0.2)


@pytest.fixture
def start_task(sandbox_connections: Any, deferrable: bool) -> MakeTask:
    """``start_task(**parameters)`` gives a maker of WebsaleStartImportOperators."""

    def task(**parameters: Any) -> Callable[[], WebsaleStartImportOperator]:
        given = {"service": "product", "data": ROWS, "deferrable": deferrable, "poll_interval": 0.05}
        if "file_path" in parameters:
            given.pop("data")
        return lambda: WebsaleStartImportOperator(task_id="load", **{**given, **parameters})

    return task


@pytest.fixture
def resume_task(sandbox_connections: Any, deferrable: bool) -> MakeTask:
    """``resume_task(**parameters)`` gives a maker of WebsaleResumeImportOperators."""

    def task(**parameters: Any) -> Callable[[], WebsaleResumeImportOperator]:
        given = {"service": "product", "deferrable": deferrable, "poll_interval": 0.05}
        return lambda: WebsaleResumeImportOperator(task_id="resume", **{**given, **parameters})

    return task


@pytest.fixture
def somebody(sandbox_connections: Any) -> WebsaleHook:
    """Somebody else at the same shop."""
    return WebsaleHook()


def acted(sandbox: Any, *operations: str) -> list[Entry]:
    """What WEBSALE did, of these operations."""
    return [entry for entry in sandbox.entries("websale") if entry.operation in operations and entry.acted]


def states(sandbox: Any) -> list[int]:
    """How the shop's imports stand, in the order of their starts."""
    return [run.status for run in sandbox.vendors["websale"].runs]


def pandas_frame(rows: list[dict[str, str]]) -> Any:
    return pytest.importorskip("pandas").DataFrame(rows)


# The whole way


def test_a_file_arrives_whole_and_its_counts_are_told(
    start_task: MakeTask, sandbox: Any, make_context: Any, tmp_path: Path
) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes(b"sku;name\n1;a\n2;b\n")
    context = make_context()
    manifest = finish(start_task(file_path=str(file)), context)
    (start,) = acted(sandbox, "start_import")
    assert (start.bytes, start.path) == (file.stat().st_size, "/admin/api/v1/import/product/start?format=csv")
    assert (manifest["state"], manifest["vendor_status"]) == ("succeeded", "FINISHED")
    assert manifest["run"] == {"service": "product", "start": start.run}
    assert (manifest["counts"]["processed"], manifest["counts"]["failed"], manifest["rejected"]) == (2, 0, 0)
    assert context["ti"].xcoms["import_run"] == manifest["run"]
    assert not acted(sandbox, "cancel_import")


def test_a_list_of_dicts_is_sent_as_a_json_array(start_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    finish(start_task(data=[{"name": "Grüße"}]), make_context())
    (start,) = acted(sandbox, "start_import")
    assert start.path.endswith("?format=json")
    assert start.bytes == len('[{"name":"Grüße"}]'.encode())


@pytest.mark.parametrize("make", [tuple, iter, LazySequence, pandas_frame])
def test_whatever_holds_records_is_sent_as_a_json_array(
    start_task: MakeTask, sandbox: Any, make_context: Any, make: Callable[[list[dict[str, str]]], Any]
) -> None:
    data = make([{"name": "a"}, {"name": "b"}])
    finish(start_task(data=data), make_context())
    assert acted(sandbox, "start_import")[0].bytes == len(b'[{"name":"a"},{"name":"b"}]')


def test_records_are_sent_as_csv_if_the_format_says_so(start_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    finish(start_task(data=[{"sku": 1, "name": "ä"}], format="csv"), make_context())
    (start,) = acted(sandbox, "start_import")
    assert start.path.endswith("?format=csv")
    assert start.bytes == len("sku,name\r\n1,ä\r\n".encode())


def test_a_retry_with_another_lazy_sequence_of_the_same_records_goes_on(
    start_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    def make() -> Any:
        return start_task(data=LazySequence([{"name": "a"}]))()

    make_and_die = start_task(data=LazySequence([{"name": "a"}]), wait_for_completion=False)
    first = finish(make_and_die, make_context())
    second = finish(make, make_context(try_number=2))
    assert second["run"] == first["run"]
    assert len(acted(sandbox, "start_import")) == 1


@pytest.mark.parametrize("data", ["sku;name\n1;ä\n", b"sku;name\n1;\xe4\n"])
def test_text_and_bytes_are_sent_as_they_are(
    start_task: MakeTask, sandbox: Any, make_context: Any, data: str | bytes
) -> None:
    finish(start_task(data=data, format="csv"), make_context())
    (start,) = acted(sandbox, "start_import")
    assert start.bytes == len(data if isinstance(data, bytes) else data.encode())


def test_a_mail_goes_out_only_if_asked_for(start_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    finish(start_task(service="adminUser"), make_context())
    finish(start_task(service="adminUser", send_mail=True), make_context(task_state_store=TaskStateStoreOfTest()))
    assert [run.send_mail is True for run in sandbox.vendors["websale"].runs] == [False, True]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"service": "{{ typo }}"}, "service must be a word like"),
        ({"service": "order", "format": "csv", "data": "a;b"}, "'order' takes format 'json' or 'xml'"),
        ({"data": "[]"}, "Give format='json' or 'csv'.* data has no suffix"),
        ({"service": "order", "format": "xml"}, "Records and rows are sent as JSON or CSV; for format=.xml. give"),
        ({"data": {"a": 1}}, "data is a single dict; put it into a list"),
        ({"data": (1, 2)}, r"data\[0\] must be a dict, not a value of type int.*render_template_as_native_obj=True"),
        ({"data": "None", "format": "csv"}, "data is the text 'None': a template rendered to nothing"),
        ({"data": []}, "data is an empty list"),
        ({"data": [{"a": 1}, "b"]}, r"data\[1\] must be a dict"),
        ({"data": [{"a": object()}]}, "data is, or holds, an object of type object"),
        (
            {"data": [{"a": 1}, {"a": "\ud83d"}]},
            r"data\[1\] can't be sent: its character 7 is half of a surrogate pair",
        ),
        ({"data": [{"\udc00": 1}]}, r"data\[0\] can't be sent"),
        ({"data": None}, "exactly one of file_path, data and sql"),
        ({"data": "a;b", "file_path": "a.csv"}, "exactly one of file_path, data and sql"),
        ({"send_mail": True}, "send_mail is only for service 'adminUser'"),
        ({"if_running": "kill"}, "if_running must be one of"),
        ({"poll_interval": 0}, "poll_interval must be"),
        ({"conn_id": " "}, "conn_id must be"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent_or_remembered(
    start_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    parameters: dict[str, Any],
    told: str,
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        finish(start_task(**parameters), make_context())
    assert not sandbox.entries("websale")
    assert not task_state_store.written


@pytest.mark.parametrize(
    "operator", [WebsalePauseImportOperator, WebsaleResumeImportOperator, WebsaleCancelImportOperator]
)
def test_every_operator_checks_its_service(sandbox_connections: Any, make_context: Any, operator: type) -> None:
    with pytest.raises(InvalidInputError, match="service must be a word like"):
        operator(task_id="act", service="{{ typo }}").execute(make_context())
    assert not sandbox_connections.entries("websale")


def test_a_packed_file_has_the_format_of_its_name_before_gz(
    start_task: MakeTask, sandbox: Any, make_context: Any, tmp_path: Path
) -> None:
    rows = b"sku;name\n1;a\n2;b\n"
    (tmp_path / "products.csv.gz").write_bytes(gzip.compress(rows))
    assert finish(start_task(file_path=tmp_path / "products.csv.gz"), make_context())["counts"]["processed"] == 2
    (start,) = acted(sandbox, "start_import")
    assert start.path.endswith("?format=csv")
    assert start.bytes == len(rows)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_refused(
    start_task: MakeTask, sandbox: Any, make_context: Any, tmp_path: Path, make: Any
) -> None:
    make(tmp_path / "products.csv")
    with pytest.raises(InvalidInputError, match=r"products.csv' is a (folder|FIFO), not a file. Nothing was sent"):
        finish(start_task(file_path=str(tmp_path / "products.csv")), make_context())
    assert not sandbox.entries("websale")


def test_a_suffix_that_is_no_format_is_refused(
    start_task: MakeTask, sandbox: Any, make_context: Any, tmp_path: Path
) -> None:
    (tmp_path / "products.jsonl").write_text("{}")
    with pytest.raises(InvalidInputError, match=r"the suffix of '.*products\.jsonl' is not one"):
        finish(start_task(file_path=str(tmp_path / "products.jsonl")), make_context())
    assert not sandbox.entries("websale")


def test_failed_records_are_told_and_judged_by_max_rejected(
    start_task: MakeTask, make_context: Any, logged: Callable[[], str]
) -> None:
    rows = [*ROWS, {}]
    manifest = finish(start_task(data=rows), make_context())
    assert (manifest["state"], manifest["rejected"]) == ("succeeded", 1)
    assert "invalid record" in manifest["message"]
    assert "invalid record" in logged()
    with pytest.raises(ImportRejectedRecordsError, match="1 row was rejected, max_rejected=0"):
        finish(start_task(data=rows, max_rejected=0), make_context(task_state_store=TaskStateStoreOfTest()))


def test_an_error_of_the_shop_fails_the_task_with_its_words_and_a_retry_starts_anew(
    start_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    make = start_task(data=[{"__fail__": 1}])
    for _ in range(2):
        with pytest.raises(ImportFailedError, match=r"globalError 1; .*__fail__"):
            finish(make, make_context())
    assert len(acted(sandbox, "start_import")) == 2


def test_a_missing_permission_is_permanent_and_named(
    start_task: MakeTask, sandbox: Any, make_context: Any, set_connection: Callable[..., str]
) -> None:
    login = {"login": stand_in.LIMITED_EMAIL, "password": stand_in.LIMITED_PASSWORD}
    set_connection("limited", **{**sandbox.connection("websale"), **login})
    with pytest.raises(VendorAuthError, match="missing permission") as caught:
        finish(start_task(conn_id="limited"), make_context())
    assert isinstance(caught.value, AirflowFailException)
    assert not acted(sandbox, "start_import")


def test_an_expired_token_is_renewed_in_the_middle_of_a_wait(
    start_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(websale={"token_seconds": 0.1})
    assert finish(start_task(), make_context())["state"] == "succeeded"
    assert len(acted(sandbox, "login")) > 1


# If another import runs


def test_fail_names_who_is_in_the_way(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    other = somebody.start_import("product", b"[{}]", "json")
    with pytest.raises(
        ImportBusyError, match=rf"import of 'product' \(start={other.key['start']}\): running"
    ) as caught:
        finish(start_task(), make_context())
    assert not isinstance(caught.value, AirflowFailException)
    assert states(sandbox) == [stand_in.RUNNING]
    assert not task_state_store.written


def test_a_paused_import_is_in_the_way_too(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    somebody.start_import("product", b"[{}]", "json")
    somebody.pause_import("product")
    with pytest.raises(ImportBusyError, match="PAUSED"):
        finish(start_task(), make_context())
    assert states(sandbox) == [stand_in.PAUSED]


def test_another_service_is_not_in_the_way(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    somebody.start_import("voucher", b"[{}]", "json")
    sandbox.change_settings(run_seconds=0.1)
    assert finish(start_task(), make_context())["state"] == "succeeded"


def test_replace_kills_the_other_one_and_says_so(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    other = somebody.start_import("product", b"[{}]", "json")
    sandbox.change_settings(run_seconds=0.1)
    assert finish(start_task(if_running="replace"), make_context())["state"] == "succeeded"
    assert states(sandbox) == [stand_in.CANCELED, stand_in.FINISHED]
    assert f"Replacing what runs there: import of 'product' (start={other.key['start']})" in logged()


def test_a_replaced_task_ends_as_superseded_and_cancels_nothing(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    with ThreadPoolExecutor() as worker:
        task = worker.submit(finish, start_task(), make_context())
        _until(lambda: acted(sandbox, "start_import"))
        second = somebody.start_import("product", b"[{}]", "json")
        with pytest.raises(ImportSupersededError, match=second.key["start"]):
            task.result(timeout=20)
    assert states(sandbox) == [stand_in.CANCELED, stand_in.RUNNING]
    assert "cancel_import" not in [entry.operation for entry in sandbox.entries("websale")]


def test_a_wait_for_the_slot_ends_at_the_deadline_without_a_start(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    somebody.start_import("product", b"[{}]", "json")
    with pytest.raises(ImportTimeoutError, match="stayed busy until the deadline"):
        finish(start_task(if_running="wait", timeout=0.3), make_context())
    assert states(sandbox) == [stand_in.RUNNING]


def test_a_deferred_wait_for_the_slot_holds_no_worker_and_cancels_nobody_if_killed(
    sandbox_connections: Any, somebody: WebsaleHook, make_context: Any
) -> None:
    sandbox_connections.change_settings(run_seconds=LONG)
    somebody.start_import("product", b"[{}]", "json")
    deferred = defer(
        lambda: WebsaleStartImportOperator(
            task_id="load", service="product", data=ROWS, deferrable=True, if_running="wait"
        ),
        make_context(),
    )
    asyncio.run(moved(deferred.trigger).on_kill())
    assert states(sandbox_connections) == [stand_in.RUNNING]


@pytest.mark.parametrize("tasks", [2, 5])
def test_with_wait_all_finish_one_after_the_other(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, tasks: int
) -> None:
    somebody.start_import("product", b"[{}]", "json")
    makes = [start_task(data=[{"task": n}], if_running="wait") for n in range(tasks)]
    results = _together(makes, make_context)
    assert [result["state"] for result in results] == ["succeeded"] * tasks
    assert states(sandbox) == [stand_in.FINISHED] * (tasks + 1)
    ours = [entry.run for entry in acted(sandbox, "start_import")][1:]
    assert sorted(result["run"]["start"] for result in results) == sorted(ours)
    assert len(set(ours)) == tasks


def test_whoever_waits_lets_the_task_before_it_see_its_end(
    start_task: MakeTask, sandbox: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    default_poll_interval(monkeypatch, "websale", 1.0)
    slow, quick = start_task(poll_interval=1), start_task(if_running="wait", poll_interval=0.05)
    with ThreadPoolExecutor() as workers:
        first = workers.submit(finish, slow, make_context())
        _until(lambda: acted(sandbox, "start_import"))
        second = workers.submit(finish, quick, make_context(task_state_store=TaskStateStoreOfTest()))
        assert first.result(timeout=20)["state"] == "succeeded"
        assert second.result(timeout=20)["state"] == "succeeded"


@pytest.mark.parametrize("tasks", [2, 5])
def test_with_fail_one_starts_and_the_others_name_it(
    start_task: MakeTask, sandbox: Any, make_context: Any, tasks: int
) -> None:
    sandbox.change_settings(run_seconds=2)
    results = _together([start_task() for _ in range(tasks)], make_context)
    done = [result for result in results if isinstance(result, dict)]
    refused = [result for result in results if isinstance(result, ImportBusyError)]
    assert (len(done), len(refused)) == (1, tasks - 1)
    assert all(done[0]["run"]["start"] in str(error) for error in refused)
    assert states(sandbox) == [stand_in.FINISHED]


@pytest.mark.parametrize("tasks", [2, 5])
def test_with_replace_the_last_one_finishes_and_the_others_end_as_superseded(
    start_task: MakeTask, sandbox: Any, make_context: Any, tasks: int
) -> None:
    sandbox.change_settings(run_seconds=2)
    results = _together([start_task(if_running="replace") for _ in range(tasks)], make_context)
    assert sorted(type(result).__name__ for result in results) == ["ImportSupersededError"] * (tasks - 1) + ["dict"]
    assert states(sandbox) == [stand_in.CANCELED] * (tasks - 1) + [stand_in.FINISHED]
    assert "cancel_import" not in [entry.operation for entry in sandbox.entries("websale")]


# Never twice, never lost


def test_a_second_try_goes_on_with_the_running_import(
    start_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    make = start_task()
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        finish(make, make_context())
    manifest = finish(make, make_context(try_number=2))
    (start,) = acted(sandbox, "start_import")
    assert manifest["run"]["start"] == start.run


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_try_that_died_around_its_start_neither_loses_nor_repeats_it(
    start_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, when: str
) -> None:
    make = start_task()
    # before: the shop has started it and nobody wrote that down; after the intent: nothing was sent
    phase = "started" if when == "before" else "intended"
    with killed_at(task_state_store, phase, when), pytest.raises(Killed):
        finish(make, make_context())
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert len(acted(sandbox, "start_import")) == 1


@pytest.mark.parametrize("fault", ["reset", "status", "html", "truncated_json", "wrong_types", "empty"])
def test_a_start_whose_answer_was_lost_is_found_again(
    start_task: MakeTask, sandbox: Any, make_context: Any, fault: str
) -> None:
    body = {"body": '{"type": "internalError"}'} if fault == "status" else {}
    sandbox.add_fault(fault, vendor="websale", operation="start_import", when="after", **body)
    manifest = finish(start_task(), make_context())
    (start,) = acted(sandbox, "start_import")
    assert manifest["run"]["start"] == start.run
    assert manifest["counts"]["processed"] == 3


@pytest.mark.parametrize("fault", ["reset", "status", "html"])
def test_a_start_that_never_took_place_is_known_not_to_have(
    start_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, fault: str
) -> None:
    body = {"body": '{"type": "internalError"}'} if fault == "status" else {}
    sandbox.add_fault(fault, vendor="websale", operation="start_import", when="before", **body)
    make = start_task()
    with pytest.raises(VendorUnavailableError, match="nothing was started; a retry is safe"):
        finish(make, make_context())
    assert not task_state_store.written
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert len(acted(sandbox, "start_import")) == 1


def test_service_unavailable_is_certainly_not_started(
    start_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.add_fault("status", vendor="websale", operation="start_import", body='{"type": "serviceUnavailable"}')
    with pytest.raises(VendorUnavailableError, match="was not started; a later retry is safe"):
        finish(start_task(), make_context())
    assert not task_state_store.written


def test_an_import_that_may_be_somebody_elses_is_not_adopted(
    start_task: MakeTask,
    somebody: WebsaleHook,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websale, "CLOCK_SKEW", 0.0)
    monkeypatch.setattr(WebsaleHook, "longest_start", 0.0)
    make = start_task()
    with killed_at(task_state_store, "intended", "after"), pytest.raises(Killed):
        finish(make, make_context())
    somebody.start_import("product", b"[{}]", "json")
    with pytest.raises(UnknownOutcomeError, match="could import twice"):
        finish(make, make_context(try_number=2))
    assert len(acted(sandbox, "start_import")) == 1


def test_a_retry_after_a_cancel_starts_anew(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    make = start_task()
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        finish(make, make_context())
    somebody.cancel_import("product")
    sandbox.change_settings(run_seconds=0.1)
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert states(sandbox) == [stand_in.CANCELED, stand_in.FINISHED]


# Killed, and too late


def test_a_killed_worker_cancels_its_import_exactly_once(
    sandbox_connections: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox_connections.change_settings(run_seconds=LONG)
    operator = WebsaleStartImportOperator(task_id="load", service="product", data=ROWS, poll_interval=0.05)
    with ThreadPoolExecutor() as worker:
        task = worker.submit(operator.execute, make_context())
        _until(lambda: operator._run is not None)
        operator.on_kill()
        with pytest.raises(ImportCanceledError):
            task.result(timeout=20)
    assert len([one for one in sandbox_connections.entries("websale") if one.operation == "cancel_import"]) == 1
    assert states(sandbox_connections) == [stand_in.CANCELED]
    assert "WEBSALE canceled it" in logged()


@pytest.mark.parametrize(("cancel_on_kill", "state"), [(True, stand_in.CANCELED), (False, stand_in.RUNNING)])
def test_a_killed_deferred_task_cancels_its_import_exactly_once(
    sandbox_connections: Any, make_context: Any, cancel_on_kill: bool, state: int
) -> None:
    sandbox_connections.change_settings(run_seconds=LONG)
    deferred = defer(
        lambda: WebsaleStartImportOperator(
            task_id="load", service="product", data=ROWS, deferrable=True, cancel_on_kill=cancel_on_kill
        ),
        make_context(),
    )
    asyncio.run(moved(deferred.trigger).on_kill())
    assert states(sandbox_connections) == [state]
    assert len(acted(sandbox_connections, "cancel_import")) == int(cancel_on_kill)


def test_a_killed_deferred_task_leaves_an_import_that_replaced_its_own(
    sandbox_connections: Any, somebody: WebsaleHook, make_context: Any
) -> None:
    sandbox_connections.change_settings(run_seconds=LONG)
    deferred = defer(
        lambda: WebsaleStartImportOperator(task_id="load", service="product", data=ROWS, deferrable=True),
        make_context(),
    )
    somebody.start_import("product", b"[{}]", "json")
    asyncio.run(moved(deferred.trigger).on_kill())
    assert states(sandbox_connections) == [stand_in.CANCELED, stand_in.RUNNING]
    assert "cancel_import" not in [entry.operation for entry in sandbox_connections.entries("websale")]


@pytest.mark.parametrize(("cancel_on_timeout", "state"), [(True, stand_in.CANCELED), (False, stand_in.RUNNING)])
def test_a_deadline_cancels_the_import(
    start_task: MakeTask, sandbox: Any, make_context: Any, cancel_on_timeout: bool, state: int
) -> None:
    sandbox.change_settings(run_seconds=LONG)
    told = "WEBSALE canceled it" if cancel_on_timeout else "left running"
    with pytest.raises(ImportTimeoutError, match=told):
        finish(start_task(timeout=0.3, cancel_on_timeout=cancel_on_timeout), make_context())
    assert states(sandbox) == [state]


def test_a_paused_import_is_no_end(
    start_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    sandbox.change_settings(run_seconds=1)
    with ThreadPoolExecutor() as worker:
        task = worker.submit(finish, start_task(), make_context())
        _until(lambda: acted(sandbox, "start_import"))
        somebody.pause_import("product")
        looks = len(sandbox.entries("websale", "get_import_status"))
        _until(lambda: len(sandbox.entries("websale", "get_import_status")) > looks + 2)
        assert not task.done()
        somebody.resume_import("product")
        assert task.result(timeout=20)["state"] == "succeeded"


# Pause, resume, cancel


def test_pause_and_cancel_return_the_imports_manifest_and_may_be_repeated(
    sandbox_connections: Any, somebody: WebsaleHook, make_context: Any
) -> None:
    sandbox_connections.change_settings(run_seconds=LONG)
    run = somebody.start_import("product", b"[{}]", "json")
    for operator, state in ((WebsalePauseImportOperator, "paused"), (WebsaleCancelImportOperator, "canceled")):
        for _ in range(2):
            manifest = operator(task_id="act", service="product").execute(make_context())
            assert (manifest["state"], manifest["run"]) == (state, dict(run.key))
            assert json.loads(json.dumps(manifest)) == manifest
    assert len(acted(sandbox_connections, "pause_import")) == len(acted(sandbox_connections, "cancel_import")) == 1


@pytest.mark.parametrize(
    "operator", [WebsalePauseImportOperator, WebsaleResumeImportOperator, WebsaleCancelImportOperator]
)
def test_what_has_ended_can_not_be_paused_resumed_or_canceled(
    sandbox_connections: Any, somebody: WebsaleHook, make_context: Any, operator: type
) -> None:
    sandbox_connections.change_settings(run_seconds=0)
    somebody.start_import("product", b"[{}]", "json")
    with pytest.raises(VendorRequestError, match="FINISHED"):
        operator(task_id="act", service="product").execute(make_context())


def test_a_resumed_import_is_waited_for(
    resume_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any
) -> None:
    run = somebody.start_import("product", b'[{}, {"a": 1}]', "json")
    somebody.pause_import("product")
    manifest = finish(resume_task(), make_context())
    assert (manifest["state"], manifest["run"]) == ("succeeded", dict(run.key))
    assert len(acted(sandbox, "resume_import")) == 1


def test_resume_need_not_wait(resume_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any) -> None:
    sandbox.change_settings(run_seconds=LONG)
    somebody.start_import("product", b"[{}]", "json")
    somebody.pause_import("product")
    assert finish(resume_task(wait_for_completion=False), make_context())["state"] == "running"
    assert states(sandbox) == [stand_in.RUNNING]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("phase", ["intended", "started"])
def test_a_retry_of_a_resume_goes_on_wherever_the_first_try_died(
    resume_task: MakeTask,
    somebody: WebsaleHook,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    phase: str,
    when: str,
) -> None:
    sandbox.change_settings(run_seconds=1)
    somebody.start_import("product", b'[{"a": 1}]', "json")
    somebody.pause_import("product")
    make = resume_task()
    with killed_at(task_state_store, phase, when), pytest.raises(Killed):
        finish(make, make_context())
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert len(acted(sandbox, "resume_import")) == 1


def test_a_retry_resumes_what_was_paused_again(
    resume_task: MakeTask, somebody: WebsaleHook, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.change_settings(run_seconds=1)
    somebody.start_import("product", b'[{"a": 1}]', "json")
    somebody.pause_import("product")
    make = resume_task()
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        finish(make, make_context())
    somebody.pause_import("product")
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert len(acted(sandbox, "resume_import")) == 2


# Several tasks at once


def _together(makes: list[Callable[[], Any]], make_context: Any) -> list[Any]:
    """Run tasks at the same moment: workers in threads, their triggers in one triggerer."""
    barrier = threading.Barrier(len(makes))

    def execute(make: Callable[[], Any], context: Any) -> Any:
        operator = make()
        barrier.wait(timeout=20)
        return operator.execute(context)

    async def try_of(make: Callable[[], Any]) -> Any:
        context = make_context(task_state_store=TaskStateStoreOfTest())
        step: Callable[[], Any] = lambda: execute(make, context)  # noqa: E731  # replaced below
        while True:
            try:
                return await asyncio.to_thread(step)
            except TaskDeferred as deferred:
                (event,) = [event async for event in moved(deferred.trigger).run()]
                payload = json.loads(json.dumps(event.payload))
                method = getattr(make(), deferred.method_name)
                step = lambda method=method, payload=payload: method(context, event=payload)  # noqa: E731

    async def all_tries() -> list[Any]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*map(try_of, makes), return_exceptions=True)

    return asyncio.run(all_tries())


def _until(condition: Callable[[], Any]) -> None:
    """Wait for what another thread brings about."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come about")

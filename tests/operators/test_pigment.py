"""Pigment's operators from the first byte to the manifest, blocking and deferrable."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, Asset, ObjectStoragePath

from airflow_provider_imports.exceptions import (
    ImportFailedError,
    ImportRejectedRecordsError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.models import Counts
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.sandbox.pigment import (
    API_KEY,
    FAILING_CONFIGURATION_ID,
    INTEGRATION_CONFIGURATION_ID,
    UPLOAD_CONFIGURATION_ID,
)
from airflow_provider_imports.testing.context import TaskStateStoreOfTest
from tests.tries import Killed, finish, killed_at, requests, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.operators.conftest import MakeTask

GOOD = b"month;amount\n2026-01;3\n2026-02;4\n2026-03;5\n"
HALF_BAD = b"month;amount\n2026-01;3\n2026-02;4;4\n2026-03;5\n2026-04\n"
ALL_BAD = b"month;amount\n2026-01;3;3\n2026-02\n"


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    file = tmp_path / "sales.csv"
    file.write_bytes(GOOD)
    return file


# The whole way


def test_a_pushed_file_arrives_whole_and_its_counts_are_told(
    push_task: MakeTask, sandbox: Any, make_context: Any, csv_file: Path
) -> None:
    context = make_context()
    manifest = finish(push_task(file_path=str(csv_file)), context)
    (start,) = starts(sandbox)
    assert start.bytes == len(GOOD)
    assert manifest == {
        "vendor": "pigment",
        "state": "succeeded",
        "vendor_status": "Completed",
        "run": {"import_id": start.run},
        "sendings": None,
        "counts": Counts(inserted=3, updated=0, deleted=0, skipped=0).to_json(),
        "rejected": 0,
        "auto_created": 0,
        "written": manifest["written"],
        "sent": manifest["sent"],
        "unaccounted": manifest["unaccounted"],
        "errors": [],
        "error": None,
        "message": None,
        "started_at": manifest["started_at"],
        "finished_at": manifest["finished_at"],
        "url": None,
    }
    assert manifest["started_at"] < manifest["finished_at"]
    assert json.loads(json.dumps(manifest)) == manifest
    assert context["ti"].xcoms["import_run"] == {"import_id": start.run}


@pytest.mark.parametrize("form", [str, Path, ObjectStoragePath])
def test_a_path_of_any_type_is_taken_and_gzip_is_unpacked(
    push_task: MakeTask, sandbox: Any, make_context: Any, csv_file: Path, form: Callable[[str], Any]
) -> None:
    packed = csv_file.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(GOOD))
    path = form(packed.as_uri() if form is ObjectStoragePath else str(packed))

    assert finish(push_task(file_path=path), make_context())["counts"]["inserted"] == 3
    assert starts(sandbox)[0].bytes == len(GOOD)


@pytest.mark.parametrize("form", [bytes, bytes.decode], ids=["bytes", "text"])
def test_small_data_is_pushed_as_it_is(
    push_task: MakeTask, sandbox: Any, make_context: Any, form: Callable[[bytes], Any]
) -> None:
    assert finish(push_task(data=form(GOOD)), make_context())["counts"]["inserted"] == 3
    assert starts(sandbox)[0].bytes == len(GOOD)


def test_records_are_pushed_as_csv(push_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    rows = [{"month": date(2026, 1, 1), "amount": Decimal("3.50")}, {"month": None, "amount": 1e22}]

    manifest = finish(push_task(data=rows, csv_format={"delimiter": ";"}), make_context())

    assert manifest["counts"]["inserted"] == 2
    assert starts(sandbox)[0].bytes == len(b"month;amount\r\n2026-01-01;3.50\r\n;10000000000000000000000\r\n")


def test_a_file_uri_is_a_file(push_task: MakeTask, sandbox: Any, make_context: Any, csv_file: Path) -> None:
    assert finish(push_task(file_path=csv_file.as_uri()), make_context())["state"] == "succeeded"
    assert starts(sandbox)[0].bytes == len(GOOD)


def test_an_integration_is_triggered_and_waited_for(trigger_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    assert finish(trigger_task(), make_context())["counts"]["inserted"] == 1000
    seen = requests(sandbox)
    assert seen[0] == "trigger_import"
    assert seen.count("trigger_import") == 1
    detailed = [entry for entry in sandbox.entries("pigment") if "includedDetailedReport=true" in entry.path]
    assert [entry.n for entry in detailed] == [len(seen)], "the detailed report is asked for once, at the end"


def test_a_failed_import_fails_the_task_with_pigments_words_and_a_retry_starts_it_anew(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    make = trigger_task(configuration_id=FAILING_CONFIGURATION_ID)
    with pytest.raises(ImportFailedError) as caught:
        finish(make, make_context())
    assert not isinstance(caught.value, AirflowFailException)
    text = str(caught.value)
    assert text.startswith("Pigment import (import_id=")
    assert "failed: SandboxFailure: the import was made to fail (__fail__). A retry starts it again;" in text
    with pytest.raises(ImportFailedError):
        finish(make, make_context(try_number=2))
    assert len(starts(sandbox)) == 2
    assert "It ended as failed (SandboxFailure: the import was made to fail (__fail__)), so it is" in logged()


# Rejected rows


def test_rejected_rows_are_only_told_unless_max_rejected_is_set(
    push_task: MakeTask, make_context: Any, logged: Callable[[], str]
) -> None:
    manifest = finish(push_task(data=HALF_BAD), make_context())
    assert manifest["state"] == "succeeded"
    assert manifest["rejected"] == 2
    assert re.search(r"2 rows skipped in block \S+: ParsingError, for instance", logged())


@pytest.mark.parametrize(
    ("max_rejected", "words"),
    [
        (0, "2 rows were rejected, max_rejected=0"),
        (1, "2 rows were rejected, max_rejected=1"),
        (0.0, "2 of 4 rows were rejected (50.0%), max_rejected=0.0%"),
        (0.49, "2 of 4 rows were rejected (50.0%), max_rejected=49.0%"),
    ],
)
def test_more_rejected_rows_than_allowed_fail_the_task(
    push_task: MakeTask, sandbox: Any, make_context: Any, max_rejected: float, words: str
) -> None:
    make = push_task(data=HALF_BAD, max_rejected=max_rejected)
    with pytest.raises(ImportRejectedRecordsError) as caught:
        finish(make, make_context())
    text = str(caught.value)
    assert words in text
    assert "Correct the data and clear the task, or allow more with max_rejected." in text
    with pytest.raises(ImportRejectedRecordsError):
        finish(make, make_context(try_number=2))
    assert len(starts(sandbox)) == 1, "a retry of the same data reports the same, and imports nothing"


@pytest.mark.parametrize("max_rejected", [2, 0.5, 1.0])
def test_as_many_rejected_rows_as_allowed_are_green(
    push_task: MakeTask, make_context: Any, max_rejected: float
) -> None:
    assert finish(push_task(data=HALF_BAD, max_rejected=max_rejected), make_context())["rejected"] == 2


@pytest.mark.parametrize("max_rejected", [None, 10, 1.0])
def test_an_import_whose_every_row_was_rejected_fails_whatever_is_allowed(
    push_task: MakeTask, make_context: Any, max_rejected: float | None
) -> None:
    with pytest.raises(ImportRejectedRecordsError, match=r"every row was rejected \(2 of 2\)"):
        finish(push_task(data=ALL_BAD, max_rejected=max_rejected), make_context())


def test_items_that_were_cleared_before_are_no_rows_that_got_in(
    push_task: MakeTask, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared = Counts(inserted=0, updated=0, deleted=5000, skipped=2)
    monkeypatch.setattr("airflow_provider_imports.hooks.pigment.status._counts", lambda summary: cleared)
    with pytest.raises(ImportRejectedRecordsError, match=r"every row was rejected \(2 of 2\)"):
        finish(push_task(data=ALL_BAD), make_context())


def test_unknown_counts_are_green_unless_they_must_be_checked(
    trigger_task: MakeTask, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_imports.hooks.pigment.status._counts", lambda summary: Counts())
    manifest = finish(trigger_task(), make_context(max_tries=1))
    assert manifest["state"] == "succeeded"
    assert manifest["rejected"] is None
    with pytest.raises(ImportRejectedRecordsError, match="no count of rejected rows, so max_rejected=0 cannot be"):
        finish(trigger_task(max_rejected=0), make_context(max_tries=2))


# Refusals and bad input


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "Give exactly one of file_path, data and sql, not none"),
        (
            {"data": "a;b\n1;2\n", "file_path": "x.csv"},
            "Give exactly one of file_path, data and sql, not file_path and",
        ),
        ({"data": ""}, "data is empty."),
        ({"data": " \n "}, "data is empty."),
        ({"data": b""}, "data is empty."),
        ({"data": 5}, "data must be a list of dicts, not a value of type int. If the template gives a text, render_"),
        ({"data": {"month": "2026-01"}}, "data is a single dict; put it into a list."),
        ({"data": []}, "data is an empty list."),
        (
            {"data": [{"month": b"1"}]},
            "data, row 1, column 'month': a value of type bytes has no form",
        ),
        ({"data": (1, 2)}, "render_template_as_native_obj=True of the DAG has made another type of it"),
        ({"data": "None"}, "data is the text 'None': a template rendered to nothing"),
        ({"data": "a;b\n1;\ud83d\n"}, "data can't be sent: its character 7 is half of a surrogate pair"),
        ({"data": gzip.compress(GOOD)}, "data is packed (gzip, zip or alike)"),
        ({"data": "a", "configuration_id": "None"}, "configuration_id is the text 'None': a template rendered"),
        ({"file_path": "None"}, "file_path is the text 'None': a template rendered to nothing"),
        ({"file_path": 5}, "file_path must be a text, an os.PathLike or an ObjectStoragePath, not a value of type"),
        ({"data": "a", "configuration_id": "sales"}, "configuration_id must be a UUID like"),
        ({"data": "a", "configuration_id": ""}, "configuration_id must be a UUID like"),
        ({"data": "a", "conn_id": " "}, "conn_id must be a text that is not empty"),
        ({"data": "a", "max_rejected": 1.5}, "max_rejected must be None, a number of rows"),
        ({"data": "a", "max_rejected": -1}, "max_rejected must be None, a number of rows"),
        ({"data": "a", "max_rejected": True}, "max_rejected must be None, a number of rows"),
        ({"data": "a", "timeout": 0}, "timeout must be a number of seconds greater than 0"),
        ({"data": "a", "timeout": "3600"}, "timeout must be a number of seconds greater than 0"),
        ({"data": "a", "poll_interval": -1}, "poll_interval must be a number of seconds"),
        ({"data": "a", "on_unknown_outcome": "retry"}, "on_unknown_outcome must be one of 'fail', 'restart'"),
        ({"file_path": ""}, "file_path must be a text that is not empty"),
        ({"file_path": "/"}, "'/' is a folder, not a file."),
        ({"file_path": "/dev/null"}, "'/dev/null' is a device, not a file."),
        ({"file_path": "nosuchscheme://bucket/sales.csv"}, "nosuchscheme"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent_or_remembered(
    push_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    parameters: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        finish(push_task(**parameters), make_context())
    assert isinstance(caught.value, AirflowFailException)
    assert words in str(caught.value)
    assert str(caught.value).endswith("Nothing was sent.")
    assert sandbox.journal == []
    assert task_state_store.written == {}


@pytest.mark.parametrize(
    ("csv_format", "words"),
    [
        (";", "csv_format must be a dict, not a text"),
        ({"delimiter": ";;"}, "csv_format['delimiter'] must be a single character, not ';;'"),
        ({"delimiter": '"'}, "csv_format['delimiter'] must be a single character"),
        ({"decimal_mark": "1"}, "csv_format['decimal_mark'] must be a single character"),
        ({"separator": ";"}, "csv_format must map some of delimiter, encoding"),
        ({"null": None}, "not 'null' to None"),
        ({"encoding": "utf-9"}, "csv_format['encoding'] must be an encoding of texts"),
    ],
)
def test_how_csv_is_written_is_checked_when_the_dag_is_parsed(push_task: MakeTask, csv_format: Any, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        push_task(data=[{"month": 1}], csv_format=csv_format)()
    assert words in str(caught.value)


def test_a_missing_file_is_refused_before_anything_is_sent_but_may_be_there_at_the_next_try(
    push_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, tmp_path: Path
) -> None:
    file = tmp_path / "late.csv"
    with pytest.raises(FileNotFoundError, match=r"no file .*late\.csv'.*every worker can read.* Nothing was sent\.$"):
        finish(push_task(file_path=str(file)), make_context())
    assert sandbox.journal == []
    assert task_state_store.written == {}
    file.write_bytes(GOOD)
    assert finish(push_task(file_path=str(file)), make_context(try_number=2))["state"] == "succeeded"


def test_a_connection_that_does_not_exist_is_told_with_how_to_make_it(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    with pytest.raises(AirflowFailException, match=r"no Airflow connection 'nowhere'.*AIRFLOW_CONN_NOWHERE"):
        finish(trigger_task(conn_id="nowhere"), make_context())
    assert sandbox.journal == []
    assert task_state_store.written == {}


@pytest.mark.parametrize(
    ("settings", "configuration_id", "kind", "words"),
    [
        ({"size_limit": 10}, UPLOAD_CONFIGURATION_ID, VendorRequestError, "too large"),
        ({}, INTEGRATION_CONFIGURATION_ID, VendorRequestError, "takes no uploads"),
        ({}, "11111111-2222-3333-4444-555555555555", VendorRequestError, "Check configuration_id"),
    ],
    ids=["too large", "no upload", "unknown"],
)
def test_a_refused_push_leaves_the_next_try_free_to_start(
    push_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    settings: dict[str, Any],
    configuration_id: str,
    kind: type[Exception],
    words: str,
) -> None:
    sandbox.change_settings(pigment=settings)
    with pytest.raises(kind, match=words):
        finish(push_task(data=GOOD, configuration_id=configuration_id), make_context())
    assert starts(sandbox) == []
    assert task_state_store.written == {}


def test_a_wrong_key_is_permanent_and_shown_nowhere(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    set_connection: Callable[..., str],
    logged: Callable[[], str],
) -> None:
    key = "pgmt_anotherKey"
    set_connection("pigment_default", **{**sandbox.connection("pigment"), "password": key})
    with pytest.raises(VendorAuthError, match="expiry date") as caught:
        finish(trigger_task(), make_context())
    assert isinstance(caught.value, AirflowFailException)
    assert key not in str(caught.value) + logged()
    assert task_state_store.written == {}


def test_the_key_is_in_nothing_that_airflow_keeps(
    trigger_task: MakeTask, make_context: Any, task_state_store: Any, logged: Callable[[], str]
) -> None:
    context = make_context()
    manifest = finish(trigger_task(), context)
    assert API_KEY not in json.dumps([manifest, context["ti"].xcoms, task_state_store.written]) + logged()


# Unknown outcomes


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 503, "when": "after"},
        {"fault": "status", "status": 500, "when": "before"},
        {"fault": "reset", "when": "after"},
        {"fault": "html", "status": 200, "when": "after"},
        {"fault": "truncated_json"},
        {"fault": "empty"},
        {"fault": "wrong_types"},
    ],
    ids=lambda fault: " ".join(str(word) for word in fault.values()),
)
def test_a_start_with_an_unknown_outcome_fails_for_good_and_says_where_to_look(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, fault: dict[str, Any]
) -> None:
    sandbox.add_fault(vendor="pigment", operation="trigger_import", **fault)
    with pytest.raises(UnknownOutcomeError) as caught:
        finish(trigger_task(), make_context())
    assert isinstance(caught.value, AirflowFailException)
    text = str(caught.value)
    for words in (
        "could import twice",
        '"Update History" of the block',
        "clear the task, and it starts one",
        "as success",
    ):
        assert words in text
    assert ".." not in text
    assert "  " not in text
    with pytest.raises(UnknownOutcomeError, match="An earlier try ended while it was starting the import"):
        finish(trigger_task(), make_context(try_number=2))
    assert requests(sandbox) == ["trigger_import"], "neither try sent a second start"


def test_restart_starts_again_after_an_unknown_outcome(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after")
    manifest = finish(trigger_task(on_unknown_outcome="restart"), make_context())
    first, second = starts(sandbox)
    assert manifest["run"] == {"import_id": second.run} != {"import_id": first.run}
    assert "on_unknown_outcome='restart' starts it again" in logged()


def test_restart_does_not_go_on_for_ever(trigger_task: MakeTask, sandbox: Any, make_context: Any) -> None:
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after", count=None)
    with pytest.raises(UnknownOutcomeError):
        finish(trigger_task(on_unknown_outcome="restart"), make_context())
    assert len(starts(sandbox)) == 3


def test_clearing_with_restart_starts_again_what_an_earlier_try_left_unclear(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="trigger_import", status=502)
    with pytest.raises(UnknownOutcomeError):
        finish(trigger_task(), make_context())
    manifest = finish(trigger_task(on_unknown_outcome="restart"), make_context(try_number=2, max_tries=2))
    assert manifest["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_a_push_that_broke_before_its_last_byte_is_known_not_to_have_started(
    push_task: MakeTask, sandbox: Any, make_context: Any, tmp_path: Path
) -> None:
    big = tmp_path / "big.csv"
    big.write_bytes(b"month;amount\n" + b"2026-01;3\n" * 3_000_000)
    sandbox.add_fault("reset", vendor="pigment", operation="push_csv", when="before_body")
    manifest = finish(push_task(file_path=str(big)), make_context())
    assert manifest["counts"]["inserted"] == 3_000_000
    assert requests(sandbox)[:2] == ["push_csv", "push_csv"]
    assert len(starts(sandbox)) == 1


def test_a_vendor_that_cannot_be_reached_leaves_the_next_try_free_to_start(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    sandbox.add_fault("refuse")
    with pytest.raises(VendorUnavailableError, match="Nothing reached Pigment"):
        finish(trigger_task(), make_context())
    assert task_state_store.written == {}
    sandbox.clear_faults()
    assert finish(trigger_task(), make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


# What Airflow does with an operator


@pytest.mark.parametrize("operator", [PigmentPushCsvOperator, PigmentTriggerImportOperator])
def test_what_is_templated(operator: Any) -> None:
    assert operator.template_fields[0] == "conn_id"
    assert {"configuration_id", "on_unknown_outcome"} <= set(operator.template_fields)
    assert ("file_path" in operator.template_fields) == (operator is PigmentPushCsvOperator)


def test_templates_are_rendered_before_they_are_checked(push_task: MakeTask, make_context: Any, csv_file: Path) -> None:
    def make() -> Any:
        task = push_task(
            configuration_id="{{ params.configuration }}",
            file_path="{{ params.folder }}/sales.csv",
            on_unknown_outcome="{{ 'fail' }}",
        )()
        task.render_template_fields({"params": {"configuration": UPLOAD_CONFIGURATION_ID, "folder": csv_file.parent}})
        return task

    assert finish(make, make_context())["state"] == "succeeded"


def test_asset_events_of_the_outlets_carry_the_run_and_its_counts(trigger_task: MakeTask, make_context: Any) -> None:
    asset = Asset("pigment://block/sales")
    context = make_context()
    manifest = finish(trigger_task(outlets=[asset]), context)
    assert context["outlet_events"][asset].extra == {
        name: manifest[name] for name in ("vendor", "run", "state", "counts", "rejected")
    }


def test_nothing_is_pushed_to_xcom_if_the_user_says_so(trigger_task: MakeTask, make_context: Any) -> None:
    context = make_context()
    finish(trigger_task(do_xcom_push=False), context)
    assert context["ti"].xcoms == {}


def test_pigment_has_no_slot_to_wait_for(push_task: MakeTask) -> None:
    with pytest.raises((TypeError, AirflowException), match="if_running"):
        push_task(data="a", if_running="wait")()


# Configurations by name, and created items


FPA, SALES = "057f8f30-a9a0-4daf-becd-eadc08af93ae", "b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"configuration_id": None}, "exactly one of configuration_id and configuration"),
        ({"configuration": "Sales plan"}, "exactly one of configuration_id and configuration"),
        (
            {"configuration_id": None, "configuration": "Sales plan"},
            "give the connection that has it as metadata_conn_id",
        ),
        (
            {"configuration_id": None, "configuration": " ", "metadata_conn_id": "m"},
            "configuration must be a text that is not empty",
        ),
        ({"application": "Sales"}, "give the connection that has it as metadata_conn_id"),
        ({"block": "Revenue"}, "give the connection that has it as metadata_conn_id"),
        ({"application": "None", "metadata_conn_id": "m"}, "application is the text 'None': a template rendered to"),
        ({"block": " ", "metadata_conn_id": "m"}, "block must be a text that is not empty"),
        ({"metadata_conn_id": ""}, "metadata_conn_id must be a text that is not empty"),
        ({"max_auto_created": -1}, "max_auto_created must be None or a number of items"),
        ({"max_auto_created": 0.5}, "max_auto_created must be None or a number of items"),
        ({"max_auto_created": True}, "max_auto_created must be None or a number of items"),
    ],
)
def test_a_configuration_that_is_not_told_clearly_is_refused_before_anything_is_sent(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        finish(trigger_task(**parameters), make_context())
    assert not sandbox.entries("pigment")


@pytest.mark.parametrize(("allowed", "fails"), [(None, False), (2, False), (1, True)])
def test_items_that_an_import_creates_are_told_and_judged(
    trigger_task: MakeTask, make_context: Any, monkeypatch: pytest.MonkeyPatch, allowed: int | None, fails: bool
) -> None:
    created = [{"blockId": SALES, "count": 2}]
    monkeypatch.setattr("airflow_provider_imports.hooks.pigment.status._created_items", lambda details: created)
    make = trigger_task(max_auto_created=allowed)
    if fails:
        with pytest.raises(ImportRejectedRecordsError, match="2 items of dimensions were created, max_auto_created=1"):
            finish(make, make_context())
    else:
        assert finish(make, make_context())["auto_created"] == 2


@pytest.fixture
def by_name(trigger_task: MakeTask) -> MakeTask:
    """A maker of operators that find their configuration by its name."""

    def task(**parameters: Any) -> Callable[[], Any]:
        given = {"configuration_id": None, "configuration": "Sales plan", "metadata_conn_id": "pigment_metadata"}
        return trigger_task(**{**given, **parameters})

    return task


@pytest.mark.parametrize("place", [{"application": "Workforce"}, {"block": "Headcount"}])
def test_a_configuration_is_found_by_its_name_when_the_task_runs(
    by_name: MakeTask, sandbox: Any, make_context: Any, place: dict[str, str]
) -> None:
    manifest = finish(by_name(**place), make_context())
    assert manifest["state"] == "succeeded"
    (start,) = starts(sandbox)
    assert f"configurationId={INTEGRATION_CONFIGURATION_ID}" in start.path
    assert {entry.operation for entry in sandbox.journal} > {"get_applications", "get_import_configurations"}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"configuration": "Sale plans"}, "no configuration 'Sale plans' .* There is: 'Sales plan' of block"),
        ({}, "There are 2 import configurations with the name 'Sales plan'"),
        ({"application": "Sale"}, "no application 'Sale' .* There is: Sales; Workforce"),
        ({"application": "Sales", "block": "Overview"}, "There is none at all"),
    ],
)
def test_a_wrong_name_ends_the_task_before_anything_is_started_or_remembered(
    by_name: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, parameters: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        finish(by_name(**parameters), make_context())
    assert not starts(sandbox)
    assert not task_state_store.written


def test_the_key_that_imports_cannot_look_up_names(by_name: MakeTask, sandbox: Any, make_context: Any) -> None:
    with pytest.raises(VendorAuthError, match="type Modeling Metadata, which is another key"):
        finish(by_name(metadata_conn_id="pigment_default"), make_context())
    assert not starts(sandbox)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, f"There is: 'Sales plan' of block 'Headcount' in 'Workforce' ({INTEGRATION_CONFIGURATION_ID});"),
        ({"application": "Sales", "block": "Overview"}, "There is none at all."),
        ({"application": "Sale"}, "What there is can't be listed: Pigment shows no application 'Sale'"),
        ({"metadata_conn_id": "pigment_default"}, "What there is can't be listed: Pigment get_applications: HTTP 401"),
    ],
    ids=["all", "none", "wrong application", "wrong key"],
)
def test_an_unknown_configuration_id_lists_what_there_is(
    trigger_task: MakeTask,
    sandbox: Any,
    make_context: Any,
    task_state_store: Any,
    parameters: dict[str, str],
    told: str,
) -> None:
    mistyped = f"{INTEGRATION_CONFIGURATION_ID[:-1]}0"
    given = {"configuration_id": mistyped, "metadata_conn_id": "pigment_metadata", **parameters}
    with pytest.raises(VendorRequestError) as caught:
        finish(trigger_task(**given), make_context())
    text = str(caught.value)
    assert text.count("Check configuration_id") == 1
    assert told in text
    assert (caught.value.status_code, caught.value.operation) == (404, "trigger_import")
    assert not starts(sandbox)
    assert not task_state_store.written
    assert API_KEY not in text


def test_a_configuration_that_only_the_key_of_the_look_up_sees_is_told_where_it_is(
    push_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="push_csv", status=404)
    with pytest.raises(VendorRequestError, match="It is 'Customer list' of block 'Customers' in 'Sales'; the owner of"):
        finish(push_task(data=GOOD, metadata_conn_id="pigment_metadata"), make_context())


def test_a_retry_goes_on_with_what_was_found_by_name(
    by_name: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    make = by_name(application="Workforce")
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        finish(make, make_context())
    assert finish(make, make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_what_the_vendor_created_by_itself_is_in_the_manifest_and_the_log(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox.change_settings(pigment={"auto_created": 3})
    manifest = finish(trigger_task(), make_context())
    assert manifest["auto_created"] == 3
    said = logged()
    assert "3 items created in dimension" in said
    assert "3 auto-created" in said
    with pytest.raises(ImportRejectedRecordsError, match="3 items of dimensions were created, max_auto_created=0"):
        finish(trigger_task(max_auto_created=0), make_context(task_state_store=TaskStateStoreOfTest()))

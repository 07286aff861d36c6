"""Pigment's hook against recorded answers: what is sent, what is read, and what each refusal tells the user."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.pigment import description as pigment
from airflow_provider_imports.hooks.pigment.calls import pigment_run
from airflow_provider_imports.hooks.pigment.metadata import Application, Block, ImportConfiguration
from airflow_provider_imports.hooks.pigment.status import MOST_ERRORS, read_status
from airflow_provider_imports.http.call import Answer, UnreadableAnswerError
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus
from airflow_provider_imports.polling import Outcome, PollPolicy
from tests.hooks.lost import lost_in_the_middle, not_connected

SAMPLES = Path(__file__).parents[1] / "samples" / "pigment"
HOST = "https://pigment.app"
KEY = "pgmt_s3cretKey"
CONFIGURATION_ID = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
IMPORT_ID = "8c7f5a0e-2f0b-4f1e-9f57-6d6a2f1f3f0a"
PUSH = f"{HOST}/api/v1/import/push/csv?configurationId={CONFIGURATION_ID}"
TRIGGER = f"{HOST}/api/v1/import/trigger?configurationId={CONFIGURATION_ID}"
STATUS = f"{HOST}/api/v1/import/{IMPORT_ID}/status"
CSV = b"month;amount\n2026-01;3\n"

Starter = Callable[[PigmentHook], ImportRun]


def push(hook: PigmentHook) -> ImportRun:
    return hook.push_csv(CONFIGURATION_ID, CSV)


def trigger(hook: PigmentHook) -> ImportRun:
    return hook.trigger_import(CONFIGURATION_ID)


def read(hook: PigmentHook) -> ImportStatus:
    return hook.get_import_status(IMPORT_ID)


STARTS = pytest.mark.parametrize(("start", "url"), [(push, PUSH), (trigger, TRIGGER)], ids=["push_csv", "trigger"])


def sample(name: str) -> dict[str, Any]:
    """A recorded answer's body; Pigment declares text/plain for JSON, too."""
    return {"content": (SAMPLES / name).read_bytes(), "headers": {"Content-Type": "text/plain; charset=utf-8"}}


@pytest.fixture
def vendor() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[PigmentHook]:
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps({"conn_type": "pigment", "password": KEY}))
    hook = PigmentHook()
    yield hook
    hook.close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that the hook took, without taking them."""
    waits: list[float] = []
    monkeypatch.setattr("airflow_provider_imports.http.sync_client.time.sleep", waits.append)
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.RateLimit.delay", lambda self, now: 0.0)
    return waits


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    file = tmp_path / "sales.csv"
    file.write_bytes(CSV * 1000)
    return file


def refused(do: Callable[[PigmentHook], Any], hook: PigmentHook, kind: type[VendorImportError]) -> VendorImportError:
    """The error, whose text is one that can be shown: one sentence after the other, no key, nothing doubled."""
    with pytest.raises(kind) as caught:
        do(hook)
    error = caught.value
    text = str(error)
    assert type(error) is kind
    assert KEY not in text
    assert KEY not in repr(error.__dict__)
    assert ".." not in text
    assert "  " not in text
    assert "None" not in text
    assert text.endswith(".")
    assert text.startswith("Pigment ")
    assert error.vendor == "pigment"
    return error


# What is sent


def test_a_push_sends_the_bytes_as_csv_to_the_configuration(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.post(PUSH, **sample("start_accepted.json"))
    before = datetime.now(UTC)
    run = push(hook)
    assert run.vendor == "pigment"
    assert run.key == {"import_id": IMPORT_ID}
    assert run.started_at is not None
    assert before <= run.started_at <= datetime.now(UTC)
    (request,) = vendor.request_history
    assert request.url == PUSH
    assert request.body == CSV
    assert request.headers["Content-Type"] == "text/csv"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Accept"] == "application/json"


def test_a_push_of_a_path_streams_the_file_with_its_length(
    vendor: requests_mock.Mocker, hook: PigmentHook, csv_file: Path
) -> None:
    vendor.post(PUSH, **sample("start_accepted.json"))
    assert hook.push_csv(CONFIGURATION_ID, str(csv_file)).key == {"import_id": IMPORT_ID}
    (request,) = vendor.request_history
    assert not isinstance(request.body, bytes)
    assert b"".join(request.body) == csv_file.read_bytes()
    assert request.headers["Content-Length"] == str(csv_file.stat().st_size)
    assert "Transfer-Encoding" not in request.headers


def test_a_trigger_sends_no_body_and_no_content_type(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.post(TRIGGER, **sample("start_accepted.json"))
    assert trigger(hook).key == {"import_id": IMPORT_ID}
    (request,) = vendor.request_history
    assert not request.body
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize("detailed", [False, True])
def test_the_detailed_report_is_asked_for_by_pigments_own_spelling(
    vendor: requests_mock.Mocker, hook: PigmentHook, detailed: bool
) -> None:
    vendor.get(STATUS, **sample("import_in_progress.json"))
    hook.get_import_status(IMPORT_ID, detailed_report=detailed)
    (request,) = vendor.request_history
    assert request.url == (f"{STATUS}?includedDetailedReport=true" if detailed else STATUS)


def test_the_host_of_the_connection_is_where_everything_goes(
    vendor: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "pigment", "host": "https://other.example/base/", "password": KEY}
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps(connection))
    vendor.post(requests_mock.ANY, **sample("start_accepted.json"))
    trigger(PigmentHook())
    url = vendor.request_history[0].url
    assert url == f"https://other.example/base/api/v1/import/trigger?configurationId={CONFIGURATION_ID}"


# What is read


def test_a_running_import_has_no_counts_and_no_end(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.get(STATUS, **sample("import_in_progress.json"))
    status = read(hook)
    assert status.state is ImportState.RUNNING
    assert status.vendor_status == "InProgress"
    assert status.counts == Counts()
    assert status.finished_at is None
    assert status.started_at == datetime(2026, 3, 2, 8, 15, 30, 123456, UTC)


def test_the_detailed_report_is_read_once_and_only_at_the_end(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.get(STATUS, [sample(f"import_{name}.json") for name in ("in_progress", "in_progress", "completed")])
    vendor.get(f"{STATUS}?includedDetailedReport=true", **sample("import_completed_in_detail.json"))
    ending = hook.wait(pigment_run(IMPORT_ID), PollPolicy(poll_interval=0.01))
    asked = [request.query for request in vendor.request_history]
    assert asked == ["", "", "", "includeddetailedreport=true"]
    assert ending.outcome is Outcome.SUCCEEDED
    assert ending.status is not None
    assert ending.status.counts == Counts(inserted=120, updated=30, deleted=0, skipped=3)
    assert ending.status.finished_at == datetime(2026, 3, 2, 8, 16, 2, tzinfo=UTC)


def test_skipped_rows_are_told_with_reason_column_and_samples() -> None:
    status = read_status(json.loads((SAMPLES / "import_completed_in_detail.json").read_text()))
    block = "block b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66"
    assert status.errors == (
        f"2 rows skipped in {block}: ParsingError in column 'Amount', for instance '12,5O', 'n/a'",
        f"1 row skipped in {block}: MissingModalitySkippedDataRow",
    )
    assert status.details == (f"List {block}: 120 inserted, 30 updated, 0 deleted, 3 skipped",)


def test_items_that_an_import_creates_by_itself_are_counted_and_told_by_dimension() -> None:
    status = read_status(json.loads((SAMPLES / "import_completed_with_auto_created_items.json").read_text()))
    metric, first, second = (f"5d0e7a3c-1f4b-4c8e-9a21-7b6f2e0d9c1{n}" for n in (0, 1, 2))
    assert status.auto_created == 4
    assert status.errors == (
        f"3 items created in dimension {first}: the data names them, and they were not there",
        f"1 item created in dimension {second}: the data names it, and it was not there",
        f"1 row skipped in block {metric}, scenario 9a0c4e1d-3b5f-4d6a-8e7c-2f1b0a9d8c7e: MissingWriteAccessRights",
    )
    assert status.details == (
        f"Metric block {metric}: 10 inserted, 0 updated, 0 deleted, 0 skipped",
        f"Metric block {metric}, scenario 9a0c4e1d-3b5f-4d6a-8e7c-2f1b0a9d8c7e: "
        "10 inserted, 0 updated, 2 deleted, 1 skipped",
    )
    assert "4 auto-created" in str(status)


def test_what_got_into_each_block_is_told_over_its_scenarios_and_never_in_part() -> None:
    def rows(block: str | None, inserted: int | None, updated: int = 0) -> dict[str, Any]:
        return {"blockId": block, "insertedCount": inserted, "updatedCount": updated, "deletedCount": 9}

    unknown = {"blockId": "third"}
    blocks = [rows("first", 10, 1), rows("second", 0), rows("first", 5, 2), unknown, rows("third", 3), rows(None, 7)]
    blocks += [rows("x" * 10_000, 1)]

    status = read_status({"importStatus": "Completed", "detailedReport": {"impactedBlocks": blocks}})

    *few, (long, one) = status.written.items()
    assert dict(few) == {"blocks/first": 18, "blocks/second": 0, "blocks/third": None}
    assert (len(long) < 300, one) == (True, 1)
    assert read_status({"importStatus": "Completed", "detailedReport": {}}).written == {}


def test_a_failed_import_says_why(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.get(STATUS, **sample("import_failed.json"))
    status = hook.get_status(pigment_run(IMPORT_ID))
    assert status.state is ImportState.FAILED
    assert status.message == 'InvalidHeader: The column "Amount" is missing'
    assert status.errors == (status.message,)


def test_an_undocumented_status_is_taken_as_still_running_with_a_doubt(
    vendor: requests_mock.Mocker, hook: PigmentHook
) -> None:
    vendor.get(STATUS, **sample("import_in_undocumented_status.json"))
    status = read(hook)
    assert status.state is ImportState.RUNNING
    assert status.vendor_status == "Hibernating"
    assert status.message == "status 'Hibernating' is not documented, so it is taken as still running"


def test_a_report_of_any_size_becomes_a_few_short_lines() -> None:
    endless = "x" * 10_000
    rows = {"count": 7, "reason": endless, "sourceColumnName": endless, "samples": [endless] * 5}
    report = {
        "importStatus": "Failed",
        "errorsDetails": [{"name": endless, "description": endless}] * 10,
        "detailedReport": {"impactedBlocks": [{"skippedData": [rows] * 50}]},
    }
    status = read_status(Answer(200, {}, json.dumps(report).encode()).object())
    assert len(status.errors) == MOST_ERRORS
    assert any(line.startswith("7 rows skipped") for line in status.errors)
    assert len(json.dumps(status.to_json())) < 30_000


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"summary": None, "impactedBlocks": None},
        {"summary": {"insertedCount": "3", "skippedCount": True, "deletedCount": 1.5}},
        {"summary": [], "impactedBlocks": {"skippedData": 3}},
        {"impactedBlocks": [None, {"skippedData": [None, 7]}]},
        "none",
    ],
)
def test_counts_that_are_not_numbers_are_unknown_and_not_guessed(details: object) -> None:
    status = read_status({"importStatus": "Completed", "detailedReport": details, "createdAt": 7})
    assert status.counts == Counts()
    assert status.errors == ()
    assert status.started_at is None


def test_a_skipped_row_without_count_reason_or_samples_is_still_told() -> None:
    report = {"importStatus": "Completed", "detailedReport": {"impactedBlocks": [{"skippedData": [{"samples": 3}]}]}}
    assert read_status(report).errors == ("rows skipped: no reason given",)


def test_error_details_without_name_or_description_are_told_as_far_as_they_go() -> None:
    details = [{"name": "A", "description": None}, {"description": "B"}, {}, None, 3]
    assert read_status({"importStatus": "Failed", "errorsDetails": details}).errors == ("A", "B")


@pytest.mark.parametrize("report", [{}, {"importStatus": None}, {"importStatus": 3}, {"status": "Completed"}])
def test_a_report_without_a_status_is_unreadable(report: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError, match="no importStatus"):
        read_status(report)


# Bad input: nothing is sent


@pytest.mark.parametrize("bad", ["", "not-a-uuid", "33d0d7d0-6125-47c4-b36a-882f4ed53b3", None, 7, "../../x"])
@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("configuration_id", lambda hook, bad: hook.push_csv(bad, CSV)),
        ("configuration_id", lambda hook, bad: hook.trigger_import(bad)),
        ("import_id", lambda hook, bad: hook.get_import_status(bad)),
    ],
    ids=["push_csv", "trigger", "status"],
)
def test_an_id_that_is_no_uuid_is_refused_before_anything_is_sent(
    vendor: requests_mock.Mocker, hook: PigmentHook, name: str, do: Callable[[PigmentHook, Any], Any], bad: Any
) -> None:
    with pytest.raises(InvalidInputError, match=rf"^{name} must be a UUID like .*Nothing was sent\.$") as caught:
        do(hook, bad)
    assert isinstance(caught.value, AirflowFailException)
    assert not vendor.called


@pytest.mark.parametrize("spelling", [CONFIGURATION_ID.upper(), CONFIGURATION_ID.replace("-", "")])
def test_a_uuid_in_another_spelling_is_sent_the_usual_way(
    vendor: requests_mock.Mocker, hook: PigmentHook, spelling: str
) -> None:
    vendor.post(TRIGGER, **sample("start_accepted.json"))
    hook.trigger_import(spelling)
    assert vendor.request_history[0].url == TRIGGER


def test_a_missing_an_empty_file_and_a_folder_are_refused_before_anything_is_sent(
    vendor: requests_mock.Mocker, hook: PigmentHook, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.csv.* Nothing was sent"):
        hook.push_csv(CONFIGURATION_ID, str(tmp_path / "gone.csv"))
    with pytest.raises(ValueError, match=r"empty\.csv.* is empty\. Nothing was sent"):
        hook.push_csv(CONFIGURATION_ID, str(empty))
    with pytest.raises(ValueError, match=r"is a folder, not a file\. Nothing was sent"):
        hook.push_csv(CONFIGURATION_ID, str(tmp_path))
    with pytest.raises(ValueError, match=r"There are no bytes to push\. Nothing was sent"):
        hook.push_csv(CONFIGURATION_ID, b"")
    assert not vendor.called


def test_a_connection_without_a_key_is_refused_before_anything_is_sent(
    vendor: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps({"conn_type": "pigment"}))
    with pytest.raises(ConnectionSettingsError, match=r"'pigment_default' has no API key.*password.*Nothing was sent"):
        trigger(PigmentHook())
    assert not vendor.called


@pytest.mark.parametrize(
    "key", ["3jp2e232-9875-42f4-9fcf-63fe2ce568jp", "0f8fad5b-d9cb-469f-a165-70867728950e", "a-b-c-d-e"]
)
def test_a_key_of_the_retired_format_is_refused_before_it_is_sent(
    vendor: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps({"conn_type": "pigment", "password": key}))
    with pytest.raises(ConnectionSettingsError, match=r"dashes, a format that Pigment has retired\. Nothing") as caught:
        trigger(PigmentHook())
    assert key not in str(caught.value)
    assert not vendor.called


@pytest.mark.parametrize("key", ["M2pwMmUyMzItOTg3NS00MmY0LTlmY2YtNjNmZTJjZTU2OGpw", "pgmt_a-b-c-d-e", "a_b-c"])
def test_a_key_of_any_other_format_is_sent(
    vendor: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps({"conn_type": "pigment", "password": key}))
    vendor.post(TRIGGER, **sample("start_accepted.json"))
    trigger(PigmentHook())
    assert vendor.request_history[0].headers["Authorization"] == f"Bearer {key}"


# Configurations by name


FPA, WORKFORCE = "057f8f30-a9a0-4daf-becd-eadc08af93ae", "2ad09a12-b5b0-4fc4-bcf1-f34d7771943c"
SALES, REVENUE = "b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66", "6f2d8b1e-0c4a-4e9d-9b7f-1a3c5d7e9f02"
CONFIGURATIONS = f"{HOST}/api/v1/importConfigurations"


@pytest.fixture
def metadata(vendor: requests_mock.Mocker, slept: list[float]) -> requests_mock.Mocker:
    """Two applications: one with a list, a metric and a table, the other empty."""
    vendor.get(f"{HOST}/api/v1/applications", **sample("applications.json"))
    vendor.get(f"{HOST}/api/v1/blocks?applicationId={FPA}", **sample("blocks.json"))
    vendor.get(f"{HOST}/api/v1/blocks?applicationId={WORKFORCE}", text="[]")
    vendor.get(f"{CONFIGURATIONS}?applicationId={FPA}&blockId={SALES}", **sample("import_configurations.json"))
    vendor.get(f"{CONFIGURATIONS}?applicationId={FPA}&blockId={REVENUE}", text="[]")
    return vendor


def test_applications_blocks_and_configurations_are_read(metadata: requests_mock.Mocker, hook: PigmentHook) -> None:
    assert hook.get_applications() == [Application(FPA, "FP&A"), Application(WORKFORCE, "Workforce")]
    blocks = hook.get_blocks(FPA)
    assert blocks[0] == Block(SALES, "Sales", "TransactionList")
    assert [one.type for one in blocks] == ["TransactionList", "Metric", "Table"]
    found = hook.get_import_configurations(FPA, SALES)
    assert found[0] == ImportConfiguration(CONFIGURATION_ID, "Sales plan")
    metadata.get(f"{CONFIGURATIONS}?applicationId={WORKFORCE}", text="[]")
    assert hook.get_import_configurations(WORKFORCE) == []
    assert metadata.last_request.query == f"applicationid={WORKFORCE}"


def test_a_configuration_is_found_by_its_name_alone(metadata: requests_mock.Mocker, hook: PigmentHook) -> None:
    assert hook.find_configuration("Sales plan") == CONFIGURATION_ID
    asked = [request.path.rpartition("/")[2] for request in metadata.request_history]
    assert asked == ["applications", "blocks", "importconfigurations", "importconfigurations", "blocks"], "no Table"


@pytest.mark.parametrize("application", ["FP&A", FPA])
@pytest.mark.parametrize("block", ["Sales", SALES])
def test_named_places_spare_requests(
    metadata: requests_mock.Mocker, hook: PigmentHook, application: str, block: str
) -> None:
    assert hook.find_configuration("Sales plan", application, block) == CONFIGURATION_ID
    assert metadata.call_count == 3


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            ("Sale plans",),
            "no configuration 'Sale plans' .* There is: 'Sales plan' of block 'Sales' in 'FP&A'; 'Sal",
        ),
        (
            ("Sales plan", "FPA"),
            "no application 'FPA' to the owner of this key. There is: FP&A; Workforce. Noth",
        ),
        (("Sales plan", "FP&A", "Sale"), "no block 'Sale' .* There is: Sales; Revenue; Overview. Nothing was sent"),
        (("Sales plan", "FP&A", "Overview"), "no configuration 'Sales plan' .* There is none at all. Nothing was sent"),
        (("Sales plan", "Workforce"), "no configuration 'Sales plan' .* There is none at all"),
        ((" ",), "configuration must be a text that is not empty"),
    ],
)
def test_a_wrong_name_lists_what_there_is(
    metadata: requests_mock.Mocker, hook: PigmentHook, wanted: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        hook.find_configuration(*wanted)


def test_a_name_that_occurs_twice_lists_both(metadata: requests_mock.Mocker, hook: PigmentHook) -> None:
    second = "11111111-2222-3333-4444-555555555555"
    metadata.get(f"{CONFIGURATIONS}?applicationId={FPA}&blockId={REVENUE}", json=[{"id": second, "name": "Sales plan"}])
    with pytest.raises(InvalidInputError, match="There are 2 import configurations") as caught:
        hook.find_configuration("Sales plan")
    assert f"of block 'Sales' in 'FP&A' ({CONFIGURATION_ID})" in str(caught.value)
    assert f"of block 'Revenue' in 'FP&A' ({second})" in str(caught.value)
    assert hook.find_configuration("Sales plan", block="Revenue") == second


def test_two_applications_of_one_name_are_told_apart_by_id(metadata: requests_mock.Mocker, hook: PigmentHook) -> None:
    twins = [{"id": FPA, "name": "Twin"}, {"id": WORKFORCE, "name": "Twin"}]
    metadata.get(f"{HOST}/api/v1/applications", json=twins)
    with pytest.raises(InvalidInputError, match=f"2 applications .* 'Twin': give the id of one .{FPA}, {WORKFORCE}"):
        hook.find_configuration("Sales plan", "Twin")
    assert hook.find_configuration("Sales plan", FPA) == CONFIGURATION_ID


def test_a_long_list_is_cut(metadata: requests_mock.Mocker, hook: PigmentHook) -> None:
    many = [{"id": CONFIGURATION_ID, "name": f"Plan {n}"} for n in range(500)]
    metadata.get(f"{CONFIGURATIONS}?applicationId={FPA}&blockId={SALES}", json=many)
    with pytest.raises(InvalidInputError, match="and 480 more") as caught:
        hook.find_configuration("Plan 499x")
    assert "There is: 'Plan 499' of" in str(caught.value), "what is most alike comes first"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_of_the_wrong_type_is_told_which_one_to_use(
    metadata: requests_mock.Mocker, hook: PigmentHook, status: int
) -> None:
    metadata.get(f"{HOST}/api/v1/applications", status_code=status)
    with pytest.raises(VendorAuthError, match="type Modeling Metadata, which is another key than the one that imports"):
        hook.find_configuration("Sales plan")


@pytest.mark.parametrize("body", ['{"applications": []}', '["FP&A"]', '[{"id": "1"}]', '[{"id": 1, "name": "a"}]'])
def test_metadata_of_another_shape_is_unreadable(metadata: requests_mock.Mocker, hook: PigmentHook, body: str) -> None:
    metadata.get(f"{HOST}/api/v1/applications", text=body)
    with pytest.raises(VendorUnavailableError, match=r"the answer is not a list of objects|lacks id or name"):
        hook.get_applications()


# Refusals: what happened, what became of the import, what to do


@pytest.mark.parametrize(
    ("do", "url", "status", "body", "words"),
    [
        (push, PUSH, 400, "push_refused.txt", ["size limit exceeded", "too large", "takes no uploads"]),
        (trigger, TRIGGER, 400, "trigger_refused.txt", ["unsupported operation type", "use push_csv"]),
        (push, PUSH, 404, "configuration_not_found.txt", ["Configuration not found", "Check configuration_id"]),
        (trigger, TRIGGER, 404, "configuration_not_found.txt", ["Configuration not found", "Check configuration_id"]),
        (read, STATUS, 404, "import_not_found.txt", ["importId was not found", "knows no import"]),
    ],
)
def test_a_refused_request_is_permanent_and_says_what_to_check(
    vendor: requests_mock.Mocker,
    hook: PigmentHook,
    do: Callable[[PigmentHook], Any],
    url: str,
    status: int,
    body: str,
    words: list[str],
) -> None:
    vendor.register_uri(requests_mock.ANY, url, status_code=status, **sample(body))
    error = refused(do, hook, VendorRequestError)
    assert isinstance(error, AirflowFailException)
    assert error.status_code == status
    assert error.vendor_message == (SAMPLES / body).read_text()
    assert all(word in str(error) for word in [f"HTTP {status}", "nothing was done", *words])
    assert vendor.call_count == 1


@pytest.mark.parametrize("do", [push, trigger, read], ids=["push_csv", "trigger", "status"])
def test_refused_credentials_are_permanent_and_tell_of_expiry_and_type(
    vendor: requests_mock.Mocker, hook: PigmentHook, do: Callable[[PigmentHook], Any]
) -> None:
    vendor.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=401, headers={"X-Request-Id": "req-7"})
    error = refused(do, hook, VendorAuthError)
    assert isinstance(error, AirflowFailException)
    assert error.request_id == "req-7"
    told = ["HTTP 401", "req-7", "nothing was done", "expiry date", "IP addresses", "the type Import"]
    assert all(word in str(error) for word in told)
    assert vendor.call_count == 1, "the same key is not tried again"


def test_a_key_that_was_renewed_in_the_connection_is_used_at_once(
    vendor: requests_mock.Mocker, hook: PigmentHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.get(STATUS, [{"status_code": 401}, sample("import_in_progress.json")])
    original = PigmentHook.get_connection
    looked_up = 0

    def get_connection(cls: type[PigmentHook], conn_id: str) -> Any:
        nonlocal looked_up
        looked_up += 1
        connection = original(conn_id)
        connection.password = "pgmt_new" if looked_up > 1 else KEY
        return connection

    monkeypatch.setattr(PigmentHook, "get_connection", classmethod(get_connection))
    assert read(hook).state is ImportState.RUNNING
    assert [one.headers["Authorization"] for one in vendor.request_history] == [f"Bearer {KEY}", "Bearer pgmt_new"]


def test_403_is_a_lacking_permission(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.post(TRIGGER, status_code=403, text="Forbidden")
    error = refused(trigger, hook, VendorAuthError)
    assert isinstance(error, AirflowFailException)
    assert "lack a permission; nothing was done" in str(error)


def test_too_many_requests_are_sent_again_after_a_minute(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    limited = {"status_code": 429, **sample("requests_per_5_minutes_exceeded.txt")}
    vendor.post(TRIGGER, [limited, sample("start_accepted.json")])
    assert trigger(hook).key == {"import_id": IMPORT_ID}
    assert slept == [pigment.REQUEST_LIMIT_WAIT]
    assert vendor.call_count == 2


def test_too_many_pushes_an_hour_end_the_try_since_that_wait_is_too_long_for_a_worker(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    vendor.post(PUSH, status_code=429, **sample("pushes_per_hour_exceeded.txt"))
    error = refused(push, hook, VendorRateLimitError)
    assert not isinstance(error, AirflowFailException), "a retry of Airflow's may succeed"
    assert error.retry_after == pigment.PUSH_LIMIT_WAIT
    assert "per hour exceeded" in str(error)
    assert "nothing was done" in str(error)
    assert "10 min" in str(error)
    assert slept == []
    assert vendor.call_count == 1


def test_a_configuration_over_its_hourly_limit_holds_up_nothing_else(
    vendor: requests_mock.Mocker, hook: PigmentHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr("airflow_provider_imports.http.sync_client.time.sleep", no_sleep)
    other = "5a1f0c56-3c70-4b6e-9a57-1d4f7e0c2b11"
    vendor.post(PUSH, status_code=429, **sample("pushes_per_hour_exceeded.txt"))
    vendor.post(PUSH.replace(CONFIGURATION_ID, other), **sample("start_accepted.json"))
    vendor.get(STATUS, **sample("import_in_progress.json"))
    refused(push, hook, VendorRateLimitError)
    assert hook.push_csv(other, CSV).key == {"import_id": IMPORT_ID}
    assert read(hook).state is ImportState.RUNNING


def test_a_retry_after_of_pigments_own_comes_before_our_rule(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    limited = sample("pushes_per_hour_exceeded.txt")
    limited["headers"] = {"Retry-After": "7"}
    vendor.post(PUSH, [{"status_code": 429, **limited}, sample("start_accepted.json")])
    push(hook)
    assert slept == [7.0]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@STARTS
def test_a_start_that_a_5xx_answered_has_an_unknown_outcome_and_is_not_sent_again(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float], start: Starter, url: str, status: int
) -> None:
    vendor.post(url, status_code=status, **sample("gateway_error.html"))
    error = refused(start, hook, UnknownOutcomeError)
    assert isinstance(error, AirflowFailException)
    assert error.status_code == status
    assert f"HTTP {status}: an HTML page: 502 Bad Gateway" in str(error)
    assert "It is unknown whether the vendor acted on it" in str(error)
    assert vendor.call_count == 1
    assert slept == []


def test_a_read_that_a_5xx_answered_is_repeated(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    vendor.get(STATUS, [{"status_code": 503}, {"status_code": 502}, sample("import_in_progress.json")])
    assert read(hook).state is ImportState.RUNNING
    assert len(slept) == 2
    assert vendor.call_count == 3


def test_a_read_that_5xx_keep_answering_is_an_outage(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    vendor.get(STATUS, status_code=503, json={"message": "down for maintenance"})
    error = refused(read, hook, VendorUnavailableError)
    assert not isinstance(error, AirflowFailException)
    assert "down for maintenance" in str(error)
    assert "a retry is safe" in str(error)
    assert vendor.call_count == 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("start_without_import_id.json", "the answer has no importId"),
        ("start_truncated.json", "is not JSON"),
        ("gateway_error.html", "is not JSON but HTML"),
    ],
)
@STARTS
def test_a_start_whose_good_answer_is_unreadable_has_an_unknown_outcome(
    vendor: requests_mock.Mocker, hook: PigmentHook, start: Starter, url: str, body: str, words: str
) -> None:
    vendor.post(url, **sample(body))
    error = refused(start, hook, UnknownOutcomeError)
    assert isinstance(error, AirflowFailException)
    assert words in str(error)
    assert "It is unknown whether the vendor acted on it" in str(error)
    assert vendor.call_count == 1


@pytest.mark.parametrize("answer", ["null", "[]", '"8c7f5a0e"', '{"importId": null}', '{"importId": 7}', "", "{}"])
def test_an_answer_without_a_uuid_is_no_start(vendor: requests_mock.Mocker, hook: PigmentHook, answer: str) -> None:
    vendor.post(TRIGGER, text=answer)
    refused(trigger, hook, UnknownOutcomeError)


@pytest.mark.parametrize("body", ["gateway_error.html", "start_truncated.json", "start_without_import_id.json"])
def test_a_status_that_is_unreadable_is_an_outage_and_not_an_end(
    vendor: requests_mock.Mocker, hook: PigmentHook, body: str
) -> None:
    vendor.get(STATUS, **sample(body))
    error = refused(read, hook, VendorUnavailableError)
    assert not isinstance(error, AirflowFailException)
    assert "a retry is safe" in str(error)


# Time-outs and broken connections


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ReadTimeout, "no answer within 60 s"),
        (requests.ConnectionError, "the connection broke before an answer came"),
    ],
)
@STARTS
def test_no_answer_after_the_whole_request_was_sent_is_an_unknown_outcome(
    vendor: requests_mock.Mocker,
    hook: PigmentHook,
    start: Starter,
    url: str,
    error: type[Exception],
    words: str,
) -> None:
    vendor.post(url, exc=error)
    unknown = refused(start, hook, UnknownOutcomeError)
    assert words in str(unknown)
    assert vendor.call_count == 1


def test_no_connection_is_certain_and_tried_again(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    vendor.post(TRIGGER, [{"text": not_connected}, sample("start_accepted.json")])
    assert trigger(hook).key == {"import_id": IMPORT_ID}
    assert len(slept) == 1


def test_no_connection_at_all_is_an_outage_and_nothing_reached_pigment(
    vendor: requests_mock.Mocker, hook: PigmentHook, slept: list[float]
) -> None:
    vendor.post(TRIGGER, text=not_connected)
    error = refused(trigger, hook, VendorUnavailableError)
    assert not isinstance(error, AirflowFailException)
    assert "no connection to https://pigment.app" in str(error)
    assert "Nothing reached Pigment" in str(error)


@pytest.mark.parametrize("error", [requests.ReadTimeout, requests.ConnectionError, BrokenPipeError])
def test_a_push_that_broke_before_its_last_byte_was_not_acted_on_and_may_be_sent_again(
    vendor: requests_mock.Mocker, hook: PigmentHook, csv_file: Path, slept: list[float], error: type[Exception]
) -> None:
    vendor.post(PUSH, [{"text": lost_in_the_middle(error)}, sample("start_accepted.json")])
    assert hook.push_csv(CONFIGURATION_ID, str(csv_file)).key == {"import_id": IMPORT_ID}
    assert vendor.call_count == 2
    assert len(slept) == 1


def test_a_push_that_broke_after_its_last_byte_is_an_unknown_outcome(
    vendor: requests_mock.Mocker, hook: PigmentHook, csv_file: Path, slept: list[float]
) -> None:
    def send_all_then_time_out(request: Any, context: Any) -> bytes:
        assert b"".join(request.body) == csv_file.read_bytes()
        raise requests.ReadTimeout

    vendor.post(PUSH, content=send_all_then_time_out)
    error = refused(lambda one: one.push_csv(CONFIGURATION_ID, str(csv_file)), hook, UnknownOutcomeError)
    assert isinstance(error, AirflowFailException)
    assert vendor.call_count == 1


# Waiting


def long_ago(seconds: float) -> ImportRun:
    return pigment_run(IMPORT_ID, datetime.fromtimestamp(time.time() - seconds, UTC))


def test_a_404_in_the_first_minute_is_pigments_lag(
    vendor: requests_mock.Mocker, hook: PigmentHook, capsys: pytest.CaptureFixture[str]
) -> None:
    lag = {"status_code": 404, **sample("import_not_found.txt")}
    vendor.get(STATUS, [lag, lag, sample("import_completed.json")])
    ending = hook.wait(long_ago(5), PollPolicy(poll_interval=0.01, max_poll_interval=0.02, not_found_grace=60))
    assert ending.outcome is Outcome.SUCCEEDED
    assert "looked at again" in capsys.readouterr().out


def test_a_404_after_the_first_minute_ends_the_wait(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.get(STATUS, status_code=404, **sample("import_not_found.txt"))
    ending = hook.wait(long_ago(61), PollPolicy(poll_interval=0.01, not_found_grace=hook.not_found_grace))
    assert ending.outcome is Outcome.REFUSED
    assert ending.error == "VendorRequestError"
    assert vendor.call_count == 1


def test_a_404_once_the_import_was_seen_ends_the_wait(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    vendor.get(STATUS, [sample("import_in_progress.json"), {"status_code": 404, **sample("import_not_found.txt")}])
    ending = hook.wait(long_ago(1), PollPolicy(poll_interval=0.01, max_poll_interval=0.02, not_found_grace=60))
    assert ending.outcome is Outcome.REFUSED
    assert vendor.call_count == 2


# Testing the connection, and what Pigment cannot do


def test_the_connection_test_is_a_read_of_an_import_that_cannot_exist(
    vendor: requests_mock.Mocker, hook: PigmentHook
) -> None:
    vendor.get(requests_mock.ANY, status_code=404, **sample("import_not_found.txt"))
    assert hook.test_connection() == (True, "Pigment accepted the API key.")
    (request,) = vendor.request_history
    assert request.method == "GET"
    assert request.url == f"{HOST}/api/v1/import/00000000-0000-0000-0000-000000000000/status"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status_code": 401}, "credentials were refused"),
        ({"status_code": 404, **sample("gateway_error.html")}, "an HTML page"),
        ({"status_code": 200, **sample("gateway_error.html")}, "is not JSON but HTML"),
        ({"status_code": 503}, "HTTP 503"),
        ({"text": not_connected}, "Nothing reached Pigment"),
    ],
)
def test_a_connection_that_does_not_work_is_told_so(
    vendor: requests_mock.Mocker, hook: PigmentHook, answer: dict[str, Any], words: str
) -> None:
    vendor.get(requests_mock.ANY, **answer)
    works, message = hook.test_connection()
    assert not works
    assert words in message
    assert KEY not in message


def test_pigment_says_that_it_cannot_cancel(vendor: requests_mock.Mocker, hook: PigmentHook) -> None:
    assert not hook.can_cancel
    with pytest.raises(NotImplementedError, match="Pigment has no call that cancels an import"):
        hook.cancel(pigment_run(IMPORT_ID))
    assert not vendor.called

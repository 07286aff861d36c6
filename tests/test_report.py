"""Only an explicit success with acceptable counts is green; everything else is the error that it means."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports import exceptions
from airflow_provider_imports.exceptions import (
    ImportCanceledError,
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    VendorAuthError,
    VendorImportError,
    VendorUnavailableError,
)
from airflow_provider_imports.judging import Limits
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, Sent
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.report import error_class, report

GREEN = (ImportState.SUCCEEDED, ImportState.EVIDENCE)
RUN = ImportRun("rocketchat", {"operation_id": "abc"})
GREEN = (ImportState.SUCCEEDED, ImportState.EVIDENCE)
DONE = ImportStatus(ImportState.SUCCEEDED, "done", counts=Counts(inserted=3))


def test_a_success_is_reported_as_the_manifest() -> None:
    result = report("Rocket.Chat", RUN, Ending(Outcome.SUCCEEDED, DONE))

    assert (result["vendor"], result["state"], result["counts"]["inserted"]) == ("rocketchat", "succeeded", 3)


GREEN = (ImportState.SUCCEEDED, ImportState.EVIDENCE)


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (Ending(Outcome.FAILED, ImportStatus(ImportState.FAILED, "failed")), ImportFailedError),
        (Ending(Outcome.CANCELED, ImportStatus(ImportState.CANCELED, "canceled")), ImportCanceledError),
        (Ending(Outcome.TIMED_OUT), ImportTimeoutError),
        (Ending(Outcome.UNREACHABLE, None, "VendorUnavailableError", "down"), VendorUnavailableError),
        (Ending(Outcome.SUPERSEDED, None, "ImportSupersededError", "another"), ImportSupersededError),
        (Ending(Outcome.REFUSED, None, "VendorAuthError", "bad key"), VendorAuthError),
    ],
)
def test_every_other_ending_is_the_error_that_it_means(ending: Ending, error: type[VendorImportError]) -> None:
    with pytest.raises(error) as raised:
        report("Rocket.Chat", RUN, ending, Limits(), "What to do.")

    assert type(raised.value) is error
    assert raised.value.vendor == "rocketchat"
    assert "operation_id=abc" in str(raised.value)


@pytest.mark.parametrize("status", [None, *(ImportStatus(state, "?") for state in ImportState if state not in GREEN)])
def test_a_success_without_a_successful_status_is_not_green(status: ImportStatus | None) -> None:
    with pytest.raises(VendorImportError):
        report("Rocket.Chat", RUN, Ending(Outcome.SUCCEEDED, status))


def test_rejected_rows_beyond_the_limit_fail_and_say_what_to_do() -> None:
    status = ImportStatus(ImportState.SUCCEEDED, "done", counts=Counts(inserted=8, failed=2))

    with pytest.raises(ImportRejectedRecordsError, match=r"2 rows were rejected, max_rejected=1.*max_rejected"):
        report("Rocket.Chat", RUN, Ending(Outcome.SUCCEEDED, status), Limits(1))


def test_rejected_rows_within_the_limit_are_a_warning_with_their_reasons(caplog: pytest.LogCaptureFixture) -> None:
    status = ImportStatus(
        ImportState.SUCCEEDED, "done", counts=Counts(inserted=8, failed=2), errors=("row 7: no e-mail",)
    )

    result = report("Rocket.Chat", RUN, Ending(Outcome.SUCCEEDED, status), Limits(2))

    assert result["rejected"] == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING]
    assert "row 7: no e-mail" in caplog.text


def test_the_vendors_reasons_are_in_the_log_before_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    status = ImportStatus(ImportState.FAILED, "failed", errors=("column 3 is missing",))

    with pytest.raises(ImportFailedError):
        report("Pigment", RUN, Ending(Outcome.FAILED, status, message="bad file"))

    assert "column 3 is missing" in caplog.text


@given(st.text() | st.sampled_from([*vars(exceptions), "AirflowException", "__doc__"]))
def test_an_error_named_by_an_event_is_one_of_ours(name: str) -> None:
    assert issubclass(error_class(name), VendorImportError)
    assert error_class(None) is VendorImportError


CREATED = ImportStatus(ImportState.SUCCEEDED, "Completed", counts=Counts(inserted=3, skipped=0), auto_created=2)


@pytest.mark.parametrize("allowed", [None, 2, 3])
def test_items_that_an_import_created_by_itself_are_told(caplog: pytest.LogCaptureFixture, allowed: int | None) -> None:
    result = report("Pigment", RUN, Ending.of(CREATED), Limits(max_auto_created=allowed))

    assert result["auto_created"] == 2
    (line,) = caplog.records
    assert (line.levelname, "2 auto-created" in line.message) == ("WARNING", True)


@pytest.mark.parametrize(
    ("created", "allowed", "told"),
    [
        (2, 1, "2 items of dimensions were created, max_auto_created=1"),
        (1, 0, "1 item of a dimension was created, max_auto_created=0"),
        (None, 0, "reported no count of created items, so max_auto_created=0 can't be checked"),
    ],
)
def test_more_created_items_than_allowed_fail_the_task(created: int | None, allowed: int, told: str) -> None:
    status = CREATED._replace(auto_created=created)

    with pytest.raises(ImportRejectedRecordsError, match=told) as raised:
        report("Pigment", RUN, Ending.of(status), Limits(max_auto_created=allowed))

    assert "or allow more with max_auto_created." in str(raised.value)


def test_what_became_of_each_part_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    report("Pigment", RUN, Ending.of(DONE._replace(details=("List block a: 3 inserted",))))

    assert next((one.levelname, one.message) for one in caplog.records) == ("INFO", "  List block a: 3 inserted")


def test_evidence_is_reported_as_evidence_and_never_as_a_success() -> None:
    arrived = ImportStatus(ImportState.EVIDENCE, "arrived", message="the record has stamp=7")

    result = report("Blueshift", RUN, Ending.of(arrived))

    assert (result["state"], result["message"], result["counts"]) == ("evidence", arrived.message, Counts().to_json())


def test_no_row_at_all_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    report("WEBSALE", RUN, Ending.of(DONE._replace(counts=Counts(processed=0, failed=0))))

    assert "counted no row at all; min_rows=1 makes that an error" in caplog.text


@pytest.mark.parametrize("counts", [Counts(), Counts(inserted=1, updated=0), Counts(processed=1), Counts(deleted=3)])
def test_a_row_or_no_count_at_all_is_none(counts: Counts, caplog: pytest.LogCaptureFixture) -> None:
    report("WEBSALE", RUN, Ending.of(DONE._replace(counts=counts)))

    assert "no row at all" not in caplog.text


@pytest.mark.parametrize(
    ("counts", "least", "told"),
    [
        (Counts(processed=0), 1, "only 0 rows got in, min_rows=1"),
        (Counts(processed=10, failed=9), 2, "only 1 row got in, min_rows=2"),
        (Counts(inserted=1, updated=1, skipped=7), 3, "only 2 rows got in, min_rows=3"),
        (Counts(), 1, "the vendor reported no count of rows, so min_rows=1 can't be checked"),
    ],
)
def test_fewer_rows_than_asked_for_fail_the_task(counts: Counts, least: int, told: str) -> None:
    with pytest.raises(ImportRejectedRecordsError, match=f"{told}.*or allow fewer with min_rows"):
        report("WEBSALE", RUN, Ending.of(DONE._replace(counts=counts)), Limits(min_rows=least))


@pytest.mark.parametrize("counts", [Counts(processed=2), Counts(processed=3, failed=1), Counts(inserted=1, updated=1)])
def test_as_many_rows_as_asked_for_are_enough(counts: Counts) -> None:
    assert report("WEBSALE", RUN, Ending.of(DONE._replace(counts=counts)), Limits(min_rows=2))["state"] == "succeeded"


@pytest.mark.parametrize(
    ("sent", "counts", "difference", "told"),
    [
        (Sent(rows=10), Counts(inserted=7, skipped=2), 1, "10 rows sent, and the vendor counted 9 rows: 1 fewer"),
        (Sent(rows=1), Counts(processed=3), -2, "1 row sent, and the vendor counted 3 rows: 2 more"),
        (Sent(rows=3), Counts(inserted=2, failed=1), 0, None),
        (Sent(bytes=99), Counts(inserted=2), None, None),
        (Sent(rows=3), Counts(), None, None),
        (None, Counts(inserted=2), None, None),
    ],
)
def test_what_the_counts_do_not_explain_of_what_was_sent_is_told(
    sent: Sent | None, counts: Counts, difference: int | None, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    result = report("Pigment", RUN, Ending.of(DONE._replace(counts=counts)), sent=sent)

    assert result["unaccounted"] == difference
    assert (told is None) == ("than its counts explain" not in caplog.text)
    assert told is None or told in caplog.text

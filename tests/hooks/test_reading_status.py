"""What a vendor's word, number, step and time mean: every row of the tables, and every field of an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.hooks.pigment import status as pigment
from airflow_provider_imports.hooks.pigment.status import read_status
from airflow_provider_imports.hooks.rocketchat import operation as rocketchat_operation
from airflow_provider_imports.hooks.rocketchat.operation import Operation, read_current, read_listed, status_of
from airflow_provider_imports.hooks.slot_turns import Slot
from airflow_provider_imports.hooks.websale import status as websale_status
from airflow_provider_imports.hooks.websale.status import read_import, websale_run
from airflow_provider_imports.http.call import Answer, UnreadableAnswerError
from airflow_provider_imports.json_values import read_count
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, state_of

SAMPLES = Path(__file__).parents[1] / "samples"
ACCEPTED, RUNNING, PAUSED = ImportState.ACCEPTED, ImportState.RUNNING, ImportState.PAUSED
SUCCEEDED, FAILED, CANCELED = ImportState.SUCCEEDED, ImportState.FAILED, ImportState.CANCELED
ABSURD = 10**400


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def answer_of(date: str) -> Answer:
    return Answer(200, {"date": date}, b"{}")


@pytest.mark.parametrize("value", [0, 1, 2**63 - 1])
def test_a_number_of_rows_is_read(value: int) -> None:
    assert read_count(value) == value


@pytest.mark.parametrize("value", [-1, 2**63, ABSURD, True, 3.0, "3", None])
def test_what_cannot_be_a_number_of_rows_is_not_reported(value: object) -> None:
    assert read_count(value) is None


def test_a_word_that_is_not_documented_is_shown() -> None:
    assert state_of("zz", {}) == (RUNNING, "status 'zz' is not documented, so it is taken as still running")


def test_a_slot_of_which_nobody_says_more_is_settled() -> None:
    assert Slot(False, None, "nothing").settles_in == 0


# Pigment


@pytest.mark.parametrize(("word", "state"), [("InProgress", RUNNING), ("Completed", SUCCEEDED), ("Failed", FAILED)])
def test_pigments_words_have_their_states(word: str, state: ImportState) -> None:
    assert read_status({"importStatus": word}) == ImportStatus(state, word)


def test_pigment_documents_no_other_words() -> None:
    assert set(pigment.STATES) == {"InProgress", "Completed", "Failed"}
    assert read_status({"importStatus": "completed"}).state is RUNNING


def test_pigments_first_three_errors_are_its_message() -> None:
    report = {"importStatus": "Failed", "errorsDetails": [{"name": name} for name in "ABCD"]}

    status = read_status(report)

    assert (status.message, status.errors) == ("A; B; C", ("A", "B", "C", "D"))


def test_twenty_of_pigments_errors_and_reasons_are_kept() -> None:
    names = [f"error {n}" for n in range(15)]
    skipped = [{"count": 2, "reason": f"reason {n}"} for n in range(15)]

    status = read_status(
        {
            "importStatus": "Failed",
            "errorsDetails": [{"name": name} for name in names],
            "detailedReport": {"impactedBlocks": [{"skippedData": skipped}]},
        }
    )

    assert status.errors == (*names, *(f"2 rows skipped: reason {n}" for n in range(5)))


def test_pigments_samples_of_rejected_rows_are_shown_in_part() -> None:
    skipped = {"count": 2, "reason": "ParsingError", "sourceColumnName": "Amount", "samples": ["x" * 1000, 7, None]}

    status = read_status(
        {"importStatus": "Completed", "detailedReport": {"impactedBlocks": [{"skippedData": [skipped]}]}}
    )

    shown = "x" * 79 + "…"
    assert status.errors == (f"2 rows skipped: ParsingError in column 'Amount', for instance '{shown}', '7', ''",)


def in_detail(**details: Any) -> ImportStatus:
    return read_status({"importStatus": "Completed", "detailedReport": details})


@pytest.mark.parametrize(
    ("items", "number", "lines"),
    [
        ([], 0, ()),
        ([{"blockId": "d", "count": 0}], 0, ()),
        (
            [{"blockId": "d", "count": 2}],
            2,
            ("2 items created in dimension d: the data names them, and they were not there",),
        ),
        (
            [{"blockId": "d", "count": 1}, {"blockId": "e", "count": "x"}],
            None,
            (
                "1 item created in dimension d: the data names it, and it was not there",
                "items created in dimension e: the data names them, and they were not there",
            ),
        ),
        (
            [{"blockId": "d", "count": 1}, {"blockId": "e", "count": 1000}],
            1001,
            (
                "1 item created in dimension d: the data names it, and it was not there",
                "1,000 items created in dimension e: the data names them, and they were not there",
            ),
        ),
    ],
)
def test_what_pigment_created_by_itself_is_counted_and_never_guessed(
    items: list[dict[str, Any]], number: int | None, lines: tuple[str, ...]
) -> None:
    status = in_detail(autoCreatedDimensionModalities=items)

    assert (status.auto_created, status.errors) == (number, lines)


def test_what_pigment_created_is_not_known_without_a_detailed_report() -> None:
    assert read_status({"importStatus": "Completed"}).auto_created is None
    assert in_detail(summary={}).auto_created is None


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ({"blockId": "b", "insertedCount": 1, "skippedData": []}, "List block b: 1 inserted, 0 skipped"),
        (
            {"blockId": "b", "scenarioId": "s", "deletedCount": 2, "skippedData": [{"count": 3}, {"count": 4}]},
            "List block b, scenario s: 2 deleted, 7 skipped",
        ),
        ({"blockId": "b", "updatedCount": 1, "skippedData": [{"count": 3}, {}]}, "List block b: 1 updated"),
        ({"insertedCount": 1}, "List block: 1 inserted"),
        ({}, "List block: no counts reported"),
    ],
)
def test_each_block_of_pigments_report_has_its_line(block: dict[str, Any], line: str) -> None:
    assert in_detail(blockType="List", impactedBlocks=[block]).details == (line,)


def test_twenty_of_pigments_blocks_have_a_line() -> None:
    blocks = [{"blockId": f"b{n}", "insertedCount": 1} for n in range(22)]

    lines = in_detail(impactedBlocks=blocks).details

    assert lines == (*(f"block b{n}: 1 inserted" for n in range(20)), "... and 2 more blocks")
    assert in_detail(impactedBlocks=blocks[:21]).details[20:] == ("... and 1 more block",)
    assert len(in_detail(impactedBlocks=blocks[:20]).details) == 20


def test_an_error_of_pigment_is_one_short_line() -> None:
    report = {"importStatus": "Failed", "errorsDetails": [{"name": "x" * 300, "description": "y" * 300}]}

    (line,) = read_status(report).errors

    assert line == f"{'x' * 300}: {'y' * 97}…"


def test_pigments_names_of_blocks_are_cut() -> None:
    endless, short = "x" * 1000, "x" * 79 + "…"
    block = {"blockId": endless, "scenarioId": endless, "skippedData": [{"count": 1, "reason": "r"}]}
    created = [{"blockId": endless, "count": 2}]

    status = in_detail(blockType=endless, impactedBlocks=[block], autoCreatedDimensionModalities=created)

    assert status.details == (f"{short} block {short}, scenario {short}: 1 skipped",)
    assert status.errors == (
        f"2 items created in dimension {short}: the data names them, and they were not there",
        f"1 row skipped in block {short}, scenario {short}: r",
    )


def test_a_pigment_report_without_its_status_says_what_is_missing() -> None:
    with pytest.raises(UnreadableAnswerError, match=r"^the answer has no importStatus$"):
        read_status({})


# WEBSALE


WEBSALE_CODES = [
    (0, "READY", RUNNING),
    (1, "STARTING", RUNNING),
    (2, "RUNNING", RUNNING),
    (3, "PAUSED", PAUSED),
    (4, "CANCELED", CANCELED),
    (5, "FINISHED", SUCCEEDED),
    (6, "ERROR", FAILED),
]


@pytest.mark.parametrize(("code", "word", "state"), WEBSALE_CODES)
def test_websales_numbers_have_their_words_and_states(code: int, word: str, state: ImportState) -> None:
    status = read_import("product", {"status": code}).status

    assert (status.state, status.vendor_status, status.message) == (state, word, None)


def test_websale_documents_no_other_numbers() -> None:
    assert set(websale_status.STATES) == {word for _, word, _ in WEBSALE_CODES}
    assert read_import("product", {"status": 7}).status.state is RUNNING


@pytest.mark.parametrize("value", [5, 5.0, "5", " 5 ", "5".zfill(30)])
def test_websales_numbers_are_read_however_they_are_written(value: object) -> None:
    status = read_import("product", {"status": value, "processed": value}).status

    assert (status.state, status.counts) == (SUCCEEDED, Counts(processed=5))


@pytest.mark.parametrize("value", [None, "5".zfill(31), "9" * 5000, ABSURD, 2.5, -1, "-1", "", True, []])
def test_a_websale_answer_whose_status_is_no_number_says_so(value: object) -> None:
    with pytest.raises(UnreadableAnswerError, match=r"^the answer has no numeric status$"):
        read_import("product", {"status": value})


def test_a_start_of_websale_that_was_cut_or_cleaned_identifies_no_import() -> None:
    with pytest.raises(UnreadableAnswerError, match=r"^the answer has a start that is no time$"):
        read_import("product", {"status": 1, "start": "2026-03-02\\x00"})


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        (0, 0),
        (0.5, 0.5),
        ("60", 60),
        (100, 100),
        (100.5, None),
        (-1, None),
        ("sixty", None),
        ("nan", None),
        (ABSURD, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_websales_percentage_is_read_or_not_shown(value: object, progress: float | None) -> None:
    assert read_import("product", {"status": 2, "percentage": value}).status.progress == progress


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (" no such column ", "no such column"),
        ({"message": "no such column"}, "no such column"),
        ({"line": 4, "message": "bad", "hint": "", "field": None}, "line: 4, message: bad"),
        ({"message": ""}, None),
        ("", None),
        ("0", None),
        (0, None),
        (None, None),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_websales_last_error_is_told_in_one_line(value: object, message: str | None) -> None:
    status = read_import("product", {"status": 6, "lastError": value}).status

    assert status.message == message
    assert status.errors == (() if message is None else (message,))


@pytest.mark.parametrize(
    ("number", "more"), [(20, None), (21, "... and 1 more import errors"), (1020, "... and 1,000 more import errors")]
)
def test_twenty_of_websales_import_errors_are_kept_and_the_others_counted(number: int, more: str | None) -> None:
    lines = [f"line {n}" for n in range(number)]

    errors = read_import("product", {"status": 6, "importErrors": lines}).status.errors

    assert errors == (*lines[:20], *([] if more is None else [more]))


def test_websales_message_is_its_errors_and_the_first_three_of_the_import() -> None:
    report = {"status": 6, "globalError": 7, "lastError": "aborted", "importErrors": ["one", "two", "three", "four"]}

    status = read_import("product", report).status

    assert status.message == "globalError 7; aborted; one; two; three"
    assert status.errors == ("globalError 7", "one", "two", "three", "four", "aborted")


def test_a_run_at_websale_is_a_service_and_a_start() -> None:
    assert websale_run("product") == ImportRun("websale", {"service": "product"})
    assert websale_run("product", "now") == ImportRun("websale", {"service": "product", "start": "now"})
    assert read_import("product", {"status": 2, "start": "now"}).run == websale_run("product", "now")
    with pytest.raises(InvalidInputError, match=r"^start "):
        websale_run("product", "")


@pytest.mark.parametrize(
    ("shown", "ours", "same"),
    [
        ("2025-02-19T13:05:11.000Z", "2025-02-19T13:05:11.000Z", True),
        ("2025-02-19T13:05:11.000Z", "2025-02-19T14:05:11+01:00", True),
        ("2025-02-19T13:05:11.000Z", "2025-02-19T13:05:12.000Z", False),
        ("2025-02-19T13:05:11.000Z", "yesterday", False),
        ("yesterday", "yesterday", True),
        ("yesterday", "today", False),
    ],
)
def test_a_websale_run_is_recognised_by_its_start_however_that_is_written(shown: str, ours: str, same: bool) -> None:
    assert read_import("product", {"status": 2, "start": shown}).is_run(websale_run("product", ours)) is same


def test_a_websale_run_of_unknown_start_is_nobodys() -> None:
    assert not read_import("product", {"status": 2, "start": "now"}).is_run(websale_run("product"))
    assert not read_import("product", {"status": 0}).is_run(websale_run("product", "now"))


def test_who_is_in_websales_slot_is_told_in_words() -> None:
    assert str(read_import("product", {"status": 0})) == "import of 'product' (never started): running (READY)"
    assert str(read_import("product", {"status": 5, "start": "now"})) == (
        "import of 'product' (start=now): succeeded (FINISHED)"
    )


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Wed, 19 Feb 2025 13:05:15 GMT", 5.5),  # of the interval of 5 seconds, and a tenth more
        ("Wed, 19 Feb 2025 13:05:16 GMT", 4.5),
        ("Wed, 19 Feb 2025 13:05:20 GMT", 0.5),
        ("Wed, 19 Feb 2025 13:05:21 GMT", 0),
        ("Wed, 19 Feb 2025 13:04:15 GMT", 5.5),  # by a minute, clocks may differ
        ("Wed, 19 Feb 2025 13:04:14 GMT", 0),
    ],
)
def test_an_end_at_websale_settles_once_everybody_has_looked(date: str, seconds: float) -> None:
    shown = read_import("product", sample("websale/import_finished"))

    assert shown.settles_in(answer_of(date)) == pytest.approx(seconds)


def test_a_long_import_at_websale_settles_within_the_longest_interval() -> None:
    report = {"status": 5, "start": "2025-02-19T10:00:00Z", "end": "2025-02-19T13:00:00Z"}
    shown = read_import("product", report)

    assert shown.settles_in(answer_of("Wed, 19 Feb 2025 13:00:00 GMT")) == pytest.approx(33)


def test_an_end_that_websale_leaves_out_is_told_by_the_duration_and_said() -> None:
    shown = read_import("product", sample("websale/import_finished") | {"end": ""})

    assert shown.status.finished_at == datetime(2025, 2, 19, 13, 5, 15, tzinfo=UTC)
    assert shown.status.message == "end is missing; finished_at is start and the duration of 4, taken as seconds"
    assert shown.duration == 4


@pytest.mark.parametrize(
    "report",
    [
        {"status": 2, "start": "2025-02-19T13:05:11Z", "end": "", "duration": 2},  # it still runs
        {"status": 5, "start": "2025-02-19T13:05:11Z", "duration": 10**12},
        {"status": 5, "start": "2025-02-19T13:05:11Z", "duration": "long"},
        {"status": 5, "duration": 4},
    ],
)
def test_no_end_is_made_up_for_websale(report: dict[str, Any]) -> None:
    shown = read_import("product", report)

    assert shown.status.finished_at is None
    assert shown.status.message is None


@pytest.mark.parametrize("report", [{}, {"start": "2025-02-19T13:05:11Z"}, {"end": "2025-02-19T13:05:15Z"}])
def test_without_both_times_nobody_waits_for_websale_to_settle(report: dict[str, str]) -> None:
    shown = read_import("product", {"status": 5, **report})

    assert shown.settles_in(answer_of("Wed, 19 Feb 2025 13:05:15 GMT")) == 0


# Rocket.Chat


ROCKETCHAT_STEPS = [
    ("importer_new", "new", ACCEPTED),
    ("importer_uploading", "loading", RUNNING),
    ("importer_downloading_file", "loading", RUNNING),
    ("importer_file_loaded", "loading", RUNNING),
    ("importer_preparing_started", "loading", RUNNING),
    ("importer_preparing_users", "loading", RUNNING),
    ("importer_preparing_channels", "loading", RUNNING),
    ("importer_preparing_messages", "loading", RUNNING),
    ("importer_preparing_contacts", "loading", RUNNING),
    ("importer_user_selection", "ready", ACCEPTED),
    ("importer_importing_started", "importing", RUNNING),
    ("importer_importing_users", "importing", RUNNING),
    ("importer_importing_contacts", "importing", RUNNING),
    ("importer_importing_channels", "importing", RUNNING),
    ("importer_importing_messages", "importing", RUNNING),
    ("importer_importing_files", "importing", RUNNING),
    ("importer_finishing", "importing", RUNNING),
    ("importer_done", "done", SUCCEEDED),
    ("importer_import_failed", "error", FAILED),
    ("importer_import_cancelled", "canceled", CANCELED),
]
ID, USER = "64d6a2d5e1f3c9b0a1b2c3d4", "rbAXPnMktTFbNpwtJ"
MADE_AT = datetime(2023, 8, 11, 20, 8, 37, 655_000, UTC)
CHANGED_AT = datetime(2023, 8, 11, 20, 10, 2, 113_000, UTC)


def listed(**fields: Any) -> Operation:
    """An operation as the list of the latest ones shows it: with a step and no state."""
    shown = {"_id": ID, "status": "importer_done", "valid": True, **fields}
    operation = read_listed([{"_id": "another"}, shown], ID)
    assert operation is not None
    return operation


@pytest.mark.parametrize(("step", "word", "state"), ROCKETCHAT_STEPS)
def test_rocketchats_steps_have_their_words_and_states(step: str, word: str, state: ImportState) -> None:
    operation = listed(status=step)

    assert (operation.state, operation.step) == (word, step)
    assert status_of(operation) == ImportStatus(state, step)
    assert operation.is_idle is (state is ACCEPTED)
    assert operation.is_running is (state is RUNNING)


def test_rocketchat_documents_no_other_steps_and_words() -> None:
    assert {step: word for step, word, _ in ROCKETCHAT_STEPS} == rocketchat_operation.STEPS
    assert {word: state for _, word, state in ROCKETCHAT_STEPS} == rocketchat_operation.STATES


def test_a_step_that_rocketchat_does_not_document_is_running_and_doubted() -> None:
    step = "importer_of_something_new"
    operation = listed(status=step)

    assert (operation.state, operation.is_running, operation.is_idle) == ("", True, False)
    assert status_of(operation).state is RUNNING
    assert status_of(operation).message == (f"no state of step {step!r} is not documented; taken as still running")


def test_a_word_that_rocketchat_does_not_document_is_shown() -> None:
    body = sample("rocketchat/status_ready") | {"state": "thinking"}
    operation = read_current(body)

    assert operation is not None
    assert operation.is_running
    assert status_of(operation).message == (
        "state 'thinking' of step 'importer_user_selection' is not documented; taken as still running"
    )


def test_done_at_an_unheard_of_step_is_not_done() -> None:
    body = sample("rocketchat/status_done")
    body["operation"]["status"] = "zz"
    operation = read_current(body)

    assert operation is not None
    assert status_of(operation).state is RUNNING
    assert status_of(operation).message == "state 'done' does not fit step 'zz'; taken as still running"


def test_every_field_of_rocketchats_operation_is_read() -> None:
    body = sample("rocketchat/status_done_with_errors")
    body["operation"]["count"] = {"total": 5, "users": 4, "completed": 2, "error": 1}

    assert read_current(body) == Operation(
        ID, "done", "importer_done", True, USER, MADE_AT, CHANGED_AT, 4, completed=2, errors=1, total=5, importer="api"
    )


def test_rocketchats_end_has_a_time_and_a_running_one_has_none() -> None:
    done = read_current(sample("rocketchat/status_done"))
    ready = read_current(sample("rocketchat/status_ready"))

    assert done is not None
    assert ready is not None
    assert (status_of(done).started_at, status_of(done).finished_at) == (MADE_AT, CHANGED_AT)
    assert (status_of(ready).started_at, status_of(ready).finished_at) == (MADE_AT, None)


@pytest.mark.parametrize(
    ("count", "progress"),
    [
        ({}, None),
        ({"completed": 1}, None),
        ({"completed": 0, "total": 0}, None),
        ({"total": 3}, None),
        ({"completed": 1, "total": 3}, 33.3),
        ({"completed": 1, "error": 1, "total": 3}, 66.7),
        ({"completed": 3, "error": 1, "total": 3}, 100),
        ({"completed": 1, "total": ABSURD}, None),
    ],
)
def test_rocketchats_progress_is_the_share_of_users_that_were_dealt_with(
    count: dict[str, int], progress: float | None
) -> None:
    assert status_of(listed(count=count)).progress == progress


def test_users_that_were_not_created_are_told_at_the_end_only() -> None:
    count = {"completed": 1, "error": 1200, "total": 2000}

    assert status_of(listed(status="importer_importing_users", count=count)).message is None
    assert status_of(listed(count=count)).message == (
        "1,200 users were not created. Rocket.Chat counts a user whose email or username exists already as an error, "
        "and does not say who it was; look one up with users.info?importId=..."
    )


@pytest.mark.parametrize("importer", ["csv", "slack", "pending-avatars"])
def test_records_of_another_importer_are_not_called_users(importer: str) -> None:
    count = {"completed": 1, "error": 1200, "total": 2000}

    assert status_of(listed(importerKey=importer, count=count)).message == (
        "1,200 records were not imported; Rocket.Chat does not say which"
    )
    assert "users were not created" in (status_of(listed(importerKey="api", count=count)).message or "")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"status": "importer_user_selection", "user": USER, "count": {"users": 1200}},
            f"operation {ID} (ready, 1,200 users) of user {USER}",
        ),
        ({"status": "importer_new"}, f"operation {ID} (new) of user unknown"),
        ({"status": "importer_dancing"}, f"operation {ID} (importer_dancing) of user unknown"),
        ({"importerKey": "slack", "type": "Slack"}, f"operation {ID} (done, importer slack) of user unknown"),
        ({"type": "CSV"}, f"operation {ID} (done, importer CSV) of user unknown"),
        ({"importerKey": 7}, f"operation {ID} (done) of user unknown"),
    ],
)
def test_who_is_in_the_way_at_rocketchat_is_told_in_words(fields: dict[str, Any], words: str) -> None:
    assert str(listed(**fields)) == words


@pytest.mark.parametrize(
    ("made_at", "since", "ours"),
    [
        ("2023-08-11T20:00:00.001Z", "2023-08-11T20:05:00Z", True),  # clocks may differ by five minutes
        ("2023-08-11T20:00:00Z", "2023-08-11T20:05:00Z", False),
        ("2023-08-11T21:00:00Z", "2023-08-11T20:05:00Z", True),
        ("2023-08-11T21:00:00Z", None, False),
        (None, "2023-08-11T20:05:00Z", False),
    ],
)
def test_an_operation_is_ours_if_our_user_made_it_since_we_asked(
    made_at: str | None, since: str | None, ours: bool
) -> None:
    operation = listed(user=USER, ts=made_at)
    moment = None if since is None else datetime.fromisoformat(since)

    assert operation.was_made_by(USER, moment) is ours
    assert not operation.was_made_by("somebody else", moment)


@pytest.mark.parametrize(
    ("count", "through"),
    [
        ({"completed": 2, "error": 1, "total": 3}, True),
        ({"completed": 2, "total": 3}, False),
        ({"completed": 0, "total": 0}, False),
        ({"total": 3}, False),
    ],
)
def test_an_operation_is_through_once_every_user_was_counted(count: dict[str, int], through: bool) -> None:
    assert listed(count=count).is_through is through
    assert not listed(count=count, status="importer_finishing").is_through


DONE = {"count": {"completed": 3, "total": 3}, "ts": "2023-08-11T20:00:00Z", "_updatedAt": "2023-08-11T20:01:00Z"}


@pytest.mark.parametrize(
    ("fields", "date", "seconds"),
    [
        (DONE, "Fri, 11 Aug 2023 20:01:00 GMT", 11),  # of the interval of 10 seconds, and a tenth more
        (DONE, "Fri, 11 Aug 2023 20:01:04 GMT", 7),
        (DONE, "Fri, 11 Aug 2023 20:00:56 GMT", 7),
        (DONE, "Fri, 11 Aug 2023 20:01:11 GMT", 0),
        (DONE | {"_updatedAt": "2023-08-11T20:30:00Z"}, "Fri, 11 Aug 2023 20:30:00 GMT", 198),
        (DONE | {"count": {}}, "Fri, 11 Aug 2023 20:01:00 GMT", 0),
        (DONE | {"ts": None}, "Fri, 11 Aug 2023 20:01:00 GMT", 0),
        (DONE | {"_updatedAt": None}, "Fri, 11 Aug 2023 20:01:00 GMT", 0),
    ],
)
def test_an_end_at_rocketchat_settles_once_everybody_has_looked(
    fields: dict[str, Any], date: str, seconds: float
) -> None:
    assert listed(**fields).settles_in(answer_of(date)) == pytest.approx(seconds)


def test_the_seconds_since_an_unknown_moment_are_none() -> None:
    assert rocketchat_operation.since(None, answer_of("Fri, 11 Aug 2023 20:01:00 GMT")) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "the answer has no success, or its state is no text"),
        ({"state": "done", "success": "yes"}, "the answer has no success, or its state is no text"),
        ({"state": 7, "success": True}, "the answer has no success, or its state is no text"),
        ({"state": "done", "success": True}, "the answer has no operation with an _id"),
        ({"state": "done", "success": True, "operation": {"_id": 7}}, "the answer has no operation with an _id"),
        ({"state": "done", "success": True, "operation": {"_id": "64d6\\x00"}}, "the operation's _id is not an id"),
        (
            {"state": "done", "success": True, "operation": {"_id": ID, "status": "importer_done"}},
            "the operation has no status, or does not say whether it is valid",
        ),
    ],
)
def test_what_is_no_answer_of_rocketchats_status_says_what_is_missing(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=f"^{reason}$"):
        read_current(body)


def test_a_list_of_operations_that_is_none_is_unreadable_and_one_without_ours_is_not() -> None:
    assert read_listed([{"_id": "another"}, None], ID) is None
    with pytest.raises(UnreadableAnswerError, match=r"^the answer is no list of operations$"):
        read_listed({"success": True}, ID)

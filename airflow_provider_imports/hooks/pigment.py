"""
Pigment: push a CSV file, or trigger an import from an integration, a list or a metric, and read what became of it.

Sources: https://kb.pigment.com/docs/trigger-import-apis and Pigment's OpenAPI document ("Pigment External API",
``v1-external``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    VendorAuthError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Answer, Body, Call, Flow, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.errors import HTML_PAGE
from airflow_provider_imports.http.reading import LARGEST_ANSWER, LARGEST_REPORT
from airflow_provider_imports.http.text import cut
from airflow_provider_imports.models import (
    Counts,
    ImportRun,
    ImportState,
    ImportStatus,
    parse_time,
    read_count,
    read_text,
    state_of,
)

if TYPE_CHECKING:
    from airflow_provider_imports.http.settings import Settings

STATES = {
    "InProgress": ImportState.RUNNING,
    "Completed": ImportState.SUCCEEDED,
    "Failed": ImportState.FAILED,
}
#: Error details and reasons of skipped rows that are kept.
MOST_ERRORS = 20
MOST_SAMPLES = 3
LONGEST_SAMPLE = 80
#: Seconds to wait after the two kinds of 429, whose windows are 5 minutes and one hour.
REQUEST_LIMIT_WAIT = 60.0
PUSH_LIMIT_WAIT = 600.0
_NO_COUNTS = Counts()
#: Stricter than Python, which reads blanks, underscores and the digits of every alphabet.
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_NO_IMPORT = "00000000-0000-0000-0000-000000000000"


class PigmentHook(ImportHook):
    """
    Pigment's import API.

    The connection's password is an API key of type *Import*; it acts with the rights of its owner. Pigment has no
    call that cancels an import and none that lists imports: an import whose ``importId`` was lost can't be found
    again by the API, only in the block's *Update History*.
    """

    conn_type = "pigment"
    default_conn_name = "pigment_default"
    hook_name = "Pigment"
    default_host = "https://pigment.app"
    where_to_look = 'the "Update History" of the block in Pigment'
    #: 500 requests in 5 minutes from one IP address, all public endpoints together.
    requests_per_minute = 100.0
    #: How soon the status of a new import can be read is not documented.
    not_found_grace = 60.0
    hints = {
        ("*", 401): (
            "A Pigment API key ends on the day before its expiry date and may be limited to IP addresses; "
            "a key with dashes has the retired format and must be made anew."
        ),
        ("push_csv", 400): (
            "Pigment answers 400 for a file that is too large, too, and for a configuration that takes no uploads."
        ),
        ("push_csv", 404): "Check configuration_id, and that the key's owner may see it.",
        ("trigger_import", 400): (
            "This call runs integration, list and metric configurations; for an upload configuration use push_csv."
        ),
        ("trigger_import", 404): "Check configuration_id, and that the key's owner may see it.",
        ("get_import_status", 404): "Pigment knows no import with this importId (a new one may take a moment).",
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Bearer token: the API key."""
        if not settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has no API key; enter it as password. Nothing was sent.",
                vendor=self.vendor,
            )
        return {"Authorization": f"Bearer {settings.password}"}

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Tell the two 429s apart: 300 pushes an hour and configuration, or 500 requests in 5 minutes and address."""
        return PUSH_LIMIT_WAIT if b"per hour" in answer.content else REQUEST_LIMIT_WAIT

    def rate_limit_key(self, call: Call) -> str:
        """Keep pushes to a pace of their own: a configuration over its hourly limit must hold up nothing else."""
        return call.target if call.operation == "push_csv" else ""

    def push_csv(self, configuration_id: str, body: Body | bytes | str) -> ImportRun:
        """
        Push a CSV file into an *Upload file* import configuration.

        Encoding, separator and text delimiter are set in the configuration; the file must match it. A second push
        is a second import.

        :param configuration_id: UUID of the import configuration
        :param body: a file (:class:`~airflow_provider_imports.http.body.FileBody`), the bytes, or a path or URI
        :raises InvalidInputError: if there is nothing to push
        :raises UnknownOutcomeError: if Pigment may or may not have taken it
        :raises VendorImportError: if Pigment did not take it
        """
        if isinstance(body, str):
            body = FileBody(body)
        elif not len(body):
            raise InvalidInputError("There are no bytes to push. Nothing was sent.", vendor=self.vendor)
        call = _start("push_csv", "/api/v1/import/push/csv", configuration_id, body)
        return self.run_flow(_started(call))

    def trigger_import(self, configuration_id: str) -> ImportRun:
        """
        Run an *Integration*, *List* or *Metric* import configuration.

        :param configuration_id: UUID of the import configuration
        :raises UnknownOutcomeError: if Pigment may or may not have started it
        :raises VendorImportError: if Pigment did not start it
        """
        return self.run_flow(_started(_start("trigger_import", "/api/v1/import/trigger", configuration_id)))

    def get_import_status(self, import_id: str, detailed_report: bool = False) -> ImportStatus:
        """
        Read the status of an import, of any kind.

        :param import_id: the UUID that the start answered
        :param detailed_report: with counts and skipped rows; Pigment asks to use it sparingly
        """
        return self.run_flow(_status(validation.uuid("import_id", import_id), detailed_report))

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read the status; once the import has ended, the detailed report as well."""
        status = yield from _status(run.key["import_id"], detailed_report=False)
        if status.state.is_terminal:
            status = yield from _status(run.key["import_id"], detailed_report=True)
        return status

    def test_flow(self) -> Flow[str]:
        """
        Ask for an import that cannot exist: Pigment checks the key first, so 404 proves that the key is good.

        At a host that is not Pigment's own, the same question without the key must be refused with 401, since any
        other server answers 404 as well.
        """
        try:
            yield from _status(_NO_IMPORT, detailed_report=False)
        except VendorRequestError as error:
            if error.status_code != 404 or (error.vendor_message or "").startswith(HTML_PAGE):
                raise
            if self.client.settings.base_url != self.default_host:
                yield from self._refuses_strangers()
        return "Pigment accepted the API key."

    def _refuses_strangers(self) -> Flow[None]:
        try:
            yield replace(_status_call(_NO_IMPORT, detailed_report=False), public=True)
        except VendorAuthError:
            return
        except VendorRequestError:
            pass
        raise VendorRequestError(
            f"{self.client.settings.base_url} answers the same with and without an API key, so it is not Pigment. "
            f"Check the connection's host; Pigment's own is {self.default_host}.",
            vendor=self.vendor,
            operation="get_import_status",
        )


def import_run(import_id: str, started_at: datetime | None = None) -> ImportRun:
    """The run that Pigment knows by this ``importId``."""
    return ImportRun("pigment", {"import_id": validation.uuid("import_id", import_id)}, started_at)


def _start(operation: str, url_path: str, configuration_id: str, body: Body | bytes | None = None) -> Call:
    return Call(
        operation,
        "POST",
        url_path,
        query=(("configurationId", validation.uuid("configuration_id", configuration_id)),),
        body=body,
        content_type="text/csv",
        repeat=Repeat.IF_NOT_ACTED,
        starts=True,
    )


def _started(call: Call) -> Flow[ImportRun]:
    started_at = datetime.now(UTC)
    answer = yield call
    import_id = answer.object().get("importId")
    if not isinstance(import_id, str) or not _UUID.fullmatch(import_id):
        raise UnreadableAnswerError("the answer has no importId")
    return import_run(import_id, started_at)


def _status_call(import_id: str, detailed_report: bool) -> Call:
    return Call(
        "get_import_status",
        "GET",
        path("/api/v1/import/{import_id}/status", import_id=import_id),
        query=(("includedDetailedReport", "true"),) if detailed_report else (),
        largest_answer=LARGEST_REPORT if detailed_report else LARGEST_ANSWER,
    )


def _status(import_id: str, detailed_report: bool) -> Flow[ImportStatus]:
    answer = yield _status_call(import_id, detailed_report)
    return read_status(answer.object())


def read_status(report: Mapping[str, Any]) -> ImportStatus:
    """
    Read an ``ApiImportReportDto``.

    :raises UnreadableAnswerError: if it has no ``importStatus``
    """
    word = report.get("importStatus")
    if not isinstance(word, str):
        raise UnreadableAnswerError("the answer has no importStatus")
    state, doubt = state_of(word, STATES)
    errors = list(islice(_errors(report), MOST_ERRORS))
    details = _object(report.get("detailedReport"))
    return ImportStatus(
        state,
        word,
        counts=_counts(_object(details.get("summary"))) if details else _NO_COUNTS,
        message=doubt or "; ".join(errors[:MOST_SAMPLES]) or None,
        errors=tuple(islice(chain(errors, _skipped_rows(details)), MOST_ERRORS)),
        started_at=parse_time(report.get("createdAt")),
        finished_at=parse_time(report.get("completedAt")),
    )


def _errors(report: Mapping[str, Any]) -> Iterator[str]:
    for one in _objects(report.get("errorsDetails")):
        if line := ": ".join(part for name in ("name", "description") if (part := read_text(one.get(name)))):
            yield line


def _skipped_rows(details: Mapping[str, Any]) -> Iterator[str]:
    blocks = _objects(details.get("impactedBlocks"))
    return (_skipped_row(skipped) for block in blocks for skipped in _objects(block.get("skippedData")))


def _skipped_row(skipped: Mapping[str, Any]) -> str:
    """Tell one reason: ``2 rows skipped: ParsingError in column 'Amount', for instance '12,5O', 'n/a'``."""
    count, samples = read_count(skipped.get("count")), skipped.get("samples")
    reason, column = (read_text(skipped.get(name)) for name in ("reason", "sourceColumnName"))
    rows = "rows" if count is None else "1 row" if count == 1 else f"{count:,} rows"
    values = samples[:MOST_SAMPLES] if isinstance(samples, list) else []
    shown = [repr(cut(read_text(one), LONGEST_SAMPLE)) for one in values]
    return (
        f"{rows} skipped: {reason or 'no reason given'}"
        + (f" in column {column!r}" if column else "")
        + (f", for instance {', '.join(shown)}" if shown else "")
    )


def _counts(summary: Mapping[str, Any]) -> Counts:
    return Counts(
        inserted=read_count(summary.get("insertedCount")),
        updated=read_count(summary.get("updatedCount")),
        deleted=read_count(summary.get("deletedCount")),
        skipped=read_count(summary.get("skippedCount")),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []

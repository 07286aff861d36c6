"""Pigment's calls of an import: what they send, and what their answers say. Nothing here sends."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.hooks.pigment.status import read_status
from airflow_provider_imports.http.call import Body, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.reading import LARGEST_ANSWER, LARGEST_REPORT
from airflow_provider_imports.models import ImportRun

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.models import ImportStatus

#: Stricter than Python, which reads blanks, underscores and the digits of every alphabet.
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")


def pigment_run(import_id: str, started_at: datetime | None = None) -> ImportRun:
    """The run that Pigment knows by this ``importId``."""
    return ImportRun("pigment", {"import_id": validation.uuid("import_id", import_id)}, started_at)


def start_call(operation: str, url_path: str, configuration_id: str, body: Body | bytes | None = None) -> Call:
    """Start an import of a configuration; what is pushed, if anything, is its body."""
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


def started(call: Call) -> Flow[ImportRun]:
    """Send a start, and read the ``importId`` of its answer; one without it may have started all the same."""
    started_at = datetime.now(UTC)
    answer = yield call
    import_id = answer.object().get("importId")
    if not isinstance(import_id, str) or not _UUID.fullmatch(import_id):
        raise UnreadableAnswerError("the answer has no importId")
    return pigment_run(import_id, started_at)


def status_call(import_id: str, detailed_report: bool) -> Call:
    """Ask for the status of an import; the detailed report has its rows, and may be large."""
    return Call(
        "get_import_status",
        "GET",
        path("/api/v1/import/{import_id}/status", import_id=import_id),
        query=(("includedDetailedReport", "true"),) if detailed_report else (),
        largest_answer=LARGEST_REPORT if detailed_report else LARGEST_ANSWER,
    )


def import_status(import_id: str, detailed_report: bool) -> Flow[ImportStatus]:
    """Ask for the status of an import, and read it."""
    answer = yield status_call(import_id, detailed_report)
    return read_status(answer.object())

"""From an error to what it means for waiting, and from a wait's end to what the task reports."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import exceptions, metrics
from airflow_provider_imports.exceptions import (
    ImportCanceledError,
    ImportFailedError,
    ImportNotFoundError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    VendorImportError,
    VendorRateLimitError,
    VendorUnavailableError,
)
from airflow_provider_imports.judging import Limits, judge, oddities
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.polling import Ending, LookFailed, Outcome, Trouble

if TYPE_CHECKING:
    from airflow_provider_imports.models import ImportRun, ImportStatus, Sent

log = logging.getLogger(__name__)

NO_LIMITS = Limits()
LEFT_ALONE = "The import was left as it is; the next try waits for it."


def report(
    vendor_name: str,
    run: ImportRun,
    ending: Ending,
    limits: Limits = NO_LIMITS,
    advice: str = LEFT_ALONE,
    sent: Sent | None = None,
) -> dict[str, Any]:
    """
    Report an ending: only an explicit success (or evidence), with acceptable counts, is green.

    :param vendor_name: as people write it
    :param limits: what the user accepts
    :param advice: for an import that has not ended: what became of it, and what the next try does
    :param sent: what was sent, as far as it is known
    :return: the manifest
    :raises VendorImportError: of the class that the ending means
    """
    what = f"{vendor_name} import ({run})"
    rejected = None if ending.status is None else ending.status.counts.rejected
    since = None if run.started_at is None else max((datetime.now(UTC) - run.started_at).total_seconds(), 0.0)
    metrics.ended(run.vendor, ending.outcome, rejected, since)
    if ending.outcome is not Outcome.SUCCEEDED or ending.status is None or not ending.is_consistent:
        _log_lines(ending.status)
        raise _error(run, what, ending, advice)
    status = ending.status
    _log_lines(status)
    problem = judge(status, limits)
    if problem is not None:
        raise ImportRejectedRecordsError(
            f"{what} ended ({status}), but {problem[0]}. What got in stays in; the log above shows what the vendor "
            f"says about the rest. Correct the data and clear the task, or {problem[1]}.",
            vendor=run.vendor,
            run=run,
            status=status,
        )
    is_odd = status.counts.rejected or status.auto_created
    log.log(logging.WARNING if is_odd else logging.INFO, "%s: %s", what, status)
    for oddity in oddities(status, sent):
        log.warning("%s: %s", what, oddity)
    return manifest(run, status, sent)


def _error(run: ImportRun, what: str, ending: Ending, advice: str) -> VendorImportError:
    said = f": {ending.message.rstrip('.')}" if ending.message else ""
    last = "" if ending.status is None else f" Last seen: {ending.status}."
    kind, text = error_class(ending.error), f"{said or ' ended without a status that says so'}.{last}"
    match ending.outcome:
        case Outcome.FAILED:
            kind = ImportFailedError
            text = f" failed{said}. A retry starts it again; correct the data or the import's configuration first."
        case Outcome.CANCELED:
            kind, text = ImportCanceledError, f" was canceled at the vendor{said}. A retry starts it again."
        case Outcome.TIMED_OUT:
            kind, text = ImportTimeoutError, f" did not end before the deadline (timeout).{last} {advice}"
        case Outcome.UNREACHABLE:
            kind = VendorUnavailableError
            text = f": its status could not be read for longer than outage_tolerance{said}.{last} {advice}"
        case Outcome.SUPERSEDED:
            pass
        case _:
            text = f"{text} {advice}"
    return kind(f"{what}{text}", vendor=run.vendor, run=run, status=ending.status)


def look_failed(error: VendorImportError) -> LookFailed:
    """Say what a failed look means for waiting."""
    if isinstance(error, ImportSupersededError):
        trouble = Trouble.SUPERSEDED
    elif isinstance(error, VendorRateLimitError):
        trouble = Trouble.RATE_LIMITED
    elif isinstance(error, VendorUnavailableError):
        trouble = Trouble.UNAVAILABLE
    elif isinstance(error, ImportNotFoundError) or error.status_code == 404:
        trouble = Trouble.NOT_FOUND
    else:
        trouble = Trouble.REFUSED
    return LookFailed(trouble, type(error).__name__, str(error), error.retry_after)


def error_class(name: str | None) -> type[VendorImportError]:
    """Find one of our error classes by its name, as an event of the trigger carries it."""
    found = getattr(exceptions, name or "", None)
    if isinstance(found, type) and issubclass(found, VendorImportError):
        return found
    return VendorImportError


def _log_lines(status: ImportStatus | None) -> None:
    if status is None:
        return
    for line in status.details:
        log.info("  %s", line)
    for line in status.errors:
        log.warning("  %s", line)

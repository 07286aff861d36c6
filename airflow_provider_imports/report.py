"""From an error to what it means for waiting, and from a wait's end to what the task reports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import exceptions
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
from airflow_provider_imports.models import Counts, ImportRun, ImportStatus, time_to_json
from airflow_provider_imports.polling import Ending, LookFailed, Outcome, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

LEFT_ALONE = "The import was left as it is; the next try goes on with it."


def manifest(run: ImportRun, status: ImportStatus) -> dict[str, Any]:
    """
    Build what every operator and sensor returns (XCom): the same shape in every vendor and mode.

    ``{"vendor", "state", "vendor_status", "run", "sendings", "counts", "rejected", "auto_created", "message",
    "started_at", "finished_at", "url"}``
    """
    return {
        "vendor": run.vendor,
        "state": str(status.state),
        "vendor_status": status.vendor_status,
        "run": dict(run.key),
        "sendings": run.sendings,
        "counts": status.counts.to_json(),
        "rejected": status.counts.rejected,
        "auto_created": status.auto_created,
        "message": status.message,
        "started_at": time_to_json(status.started_at or run.started_at),
        "finished_at": time_to_json(status.finished_at),
        "url": run.url,
    }


def asset_extra(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest that each asset event of the task carries, so that other DAGs can branch on it."""
    return {name: result[name] for name in ("vendor", "run", "state", "counts", "rejected")}


def report(
    vendor_name: str,
    run: ImportRun,
    ending: Ending,
    max_rejected: int | float | None,
    advice: str = LEFT_ALONE,
    max_auto_created: int | None = None,
) -> dict[str, Any]:
    """
    Report an ending: only an explicit success (or evidence), with acceptable counts, is green.

    :param vendor_name: as people write it
    :param max_rejected: None: any number, with a warning; int: rows; float: share of all rows
    :param advice: for an import that has not ended: what became of it, and what the next try does
    :param max_auto_created: None: any number, with a warning; int: items of dimensions
    :return: the manifest
    :raises VendorImportError: of the class that the ending means
    """
    what = f"{vendor_name} import ({run})"
    if ending.outcome is not Outcome.SUCCEEDED or ending.status is None or not ending.is_consistent:
        _log_lines(ending.status)
        raise _error(run.vendor, what, ending, advice)
    status = ending.status
    _log_lines(status)
    problem, parameter = judge_rejected(status.counts, max_rejected), "max_rejected"
    if problem is None:
        problem, parameter = judge_auto_created(status, max_auto_created), "max_auto_created"
    if problem is not None:
        raise ImportRejectedRecordsError(
            f"{what} ended ({status}), but {problem}. What got in stays in; the log above shows what the "
            f"vendor says about the rest. Correct the data and clear the task, or allow more with {parameter}.",
            vendor=run.vendor,
        )
    is_odd = status.counts.rejected or status.auto_created
    log.log(logging.WARNING if is_odd else logging.INFO, "%s: %s", what, status)
    return manifest(run, status)


def judge_rejected(counts: Counts, max_rejected: int | float | None) -> str | None:
    """
    Say why the counts of an ended import are not acceptable; None if they are.

    :param max_rejected: None: any number; int: rows; float: share of all rows (0.05 is five per cent)
    """
    rejected, rows = counts.rejected, counts.rows or 0
    if rejected and rejected >= rows:
        return f"every row was rejected ({rejected:,} of {rows:,})"
    if max_rejected is None:
        return None
    if rejected is None:
        return f"the vendor reported no count of rejected rows, so max_rejected={max_rejected} cannot be checked"
    if isinstance(max_rejected, int):
        told = "1 row was rejected" if rejected == 1 else f"{rejected:,} rows were rejected"
        return f"{told}, max_rejected={max_rejected}" if rejected > max_rejected else None
    if rejected > max_rejected * rows:
        return f"{rejected:,} of {rows:,} rows were rejected ({rejected / rows:.1%}), max_rejected={max_rejected:.1%}"
    return None


def judge_auto_created(status: ImportStatus, max_auto_created: int | None) -> str | None:
    """
    Say why it is not acceptable what an ended import created by itself; None if it is.

    :param max_auto_created: None: any number; int: items of dimensions
    """
    created = status.auto_created
    if max_auto_created is None:
        return None
    if created is None:
        return f"the vendor reported no count of created items, so max_auto_created={max_auto_created} can't be checked"
    told = "1 item of a dimension was" if created == 1 else f"{created:,} items of dimensions were"
    return f"{told} created, max_auto_created={max_auto_created}" if created > max_auto_created else None


def _error(vendor: str, what: str, ending: Ending, advice: str) -> VendorImportError:
    said = f": {ending.message.rstrip('.')}" if ending.message else ""
    last = "" if ending.status is None else f" Last seen: {ending.status}."
    match ending.outcome:
        case Outcome.FAILED:
            return ImportFailedError(
                f"{what} failed{said}. A retry starts it anew; correct the data or the import's configuration first.",
                vendor=vendor,
            )
        case Outcome.CANCELED:
            return ImportCanceledError(
                f"{what} was canceled at the vendor{said}. A retry starts it anew.", vendor=vendor
            )
        case Outcome.TIMED_OUT:
            return ImportTimeoutError(
                f"{what} did not end before the deadline (timeout).{last} {advice}", vendor=vendor
            )
        case Outcome.UNREACHABLE:
            return VendorUnavailableError(
                f"{what}: its status could not be read for longer than outage_tolerance{said}.{last} {advice}",
                vendor=vendor,
            )
        case _:
            fate = "" if ending.outcome is Outcome.SUPERSEDED else f" {advice}"
            return error_class(ending.error)(
                f"{what}{said or ' ended without a status that says so'}.{last}{fate}", vendor=vendor
            )


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

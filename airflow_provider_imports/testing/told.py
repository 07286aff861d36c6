"""All that anybody is told of a call: logs, errors, results, and what becomes of those on their way to the user."""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.progress_log import ProgressLog
from airflow_provider_imports.report import look_failed, report
from airflow_provider_imports.trigger_event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.hooks.base import ImportHook


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Every line that anybody logs meanwhile, down to DEBUG."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {record.args!r}")
            if record.exc_info and record.exc_info[1] is not None:
                lines.extend(texts_of(record.exc_info[1]))

    keeper, root = Keeper(), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)


def what_is_told(hook: ImportHook, call: Callable[[Any], object]) -> list[str]:
    """Make a call, and collect all that anybody is told of it: logs, errors, results, and what becomes of those."""
    with log_lines() as lines:
        try:
            seen: object = call(hook)
        except VendorImportError as error:
            seen = error
        texts = [*texts_of(seen), repr(hook), *texts_of(hook.client.access), *texts_of(hook.client.access.settings)]
    return [*lines, *texts]


def texts_of(seen: object) -> list[str]:
    """Everything that a value shows of itself, and what is made of it on its way to the user."""
    if isinstance(seen, BaseException):
        return _of_error(seen)
    texts = [str(seen), repr(seen)]
    if isinstance(seen, tuple) and not hasattr(seen, "_fields"):
        texts += [text for one in seen for text in texts_of(one)]
    for part in (getattr(seen, "status", None), getattr(seen, "run", None)):
        if isinstance(part, ImportStatus | ImportRun):  # in what a vendor's own method returns
            texts += texts_of(part)
    if isinstance(seen, ImportStatus):
        texts += _of_status(seen)
    if isinstance(seen, ImportRun):
        texts.append(_as_json(seen.to_json()))
    if isinstance(seen, dict):
        texts.append(_as_json(seen))
    return texts


def _of_error(error: BaseException) -> list[str]:
    texts = traceback.format_exception(error)[-1:]
    cause: BaseException | None = error
    while cause is not None:
        texts += [str(cause), repr(cause), repr(cause.args), repr(vars(cause))]
        texts += [str(getattr(cause, name, "")) for name in ("doc", "object", "reason")]  # of errors of reading
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, VendorImportError):
        failed = look_failed(error)
        ending = Ending(Outcome.UNREACHABLE, None, failed.error, failed.message)
        texts += [
            str(ProgressLog().of_trouble(failed.trouble, failed.error, failed.message, 0.0)),
            _as_json(Event(ending, 0.0).to_json()),
        ]
    return texts


def _of_status(status: ImportStatus) -> list[str]:
    run = ImportRun("vendor", {"id": "1"}, datetime.now(UTC))
    ending = Ending(Outcome.TIMED_OUT, status, message=status.message)
    texts = [
        _as_json(manifest(run, status)),
        _as_json(Event(ending, 0.0, run).to_json()),
        str(ProgressLog().of(status, 0.0)),
    ]
    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT):
        try:
            report("Vendor", run, Ending(outcome, status, message=status.message))
        except VendorImportError as error:
            texts += [str(error), repr(error)]
    return texts


def _as_json(value: object) -> str:
    """As Airflow stores it; what can't be stored is an error."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode().decode()

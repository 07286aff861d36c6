"""
What WEBSALE shows of an import: its status object, what that means, and when everybody has seen its end.

Source: https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports import validation
from airflow_provider_imports.http.call import UnreadableAnswerError
from airflow_provider_imports.http.text import cut, is_whole
from airflow_provider_imports.json_values import parse_time, read_count
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, state_of
from airflow_provider_imports.polling import PollPolicy, unseen_for
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_imports.http.call import Answer


class WebsaleCode(IntEnum):
    """WEBSALE's numeric status of an import."""

    READY = 0
    STARTING = 1
    RUNNING = 2
    PAUSED = 3
    CANCELED = 4
    FINISHED = 5
    ERROR = 6


#: READY is no end: nothing has run yet, or what was started does not run yet.
STATES = {
    WebsaleCode.READY.name: ImportState.RUNNING,
    WebsaleCode.STARTING.name: ImportState.RUNNING,
    WebsaleCode.RUNNING.name: ImportState.RUNNING,
    WebsaleCode.PAUSED.name: ImportState.PAUSED,
    WebsaleCode.CANCELED.name: ImportState.CANCELED,
    WebsaleCode.FINISHED.name: ImportState.SUCCEEDED,
    WebsaleCode.ERROR.name: ImportState.FAILED,
}
#: Seconds by which WEBSALE's clock may differ from ours when an import is recognised by the time of its start.
CLOCK_SKEW = 60.0
#: Import errors that are kept, and characters of each.
MOST_ERRORS = 20
MOST_SAMPLES = 3
LONGEST_ERROR = 200
#: Digits of a number that is written as a text; Python refuses to read thousands of them.
LONGEST_NUMBER = 30


class WebsaleImport(NamedTuple):
    """
    What WEBSALE shows of a service: its running or most recent import, whoever started it.

    :param service: the service
    :param run: that import; None if the service never had one
    :param status: where it stands
    :param duration: how long it took so far, as WEBSALE says it; the unit is not documented, seconds in its example
    """

    service: str
    run: ImportRun | None
    status: ImportStatus
    duration: int | None = None

    def __str__(self) -> str:
        """In words."""
        start = "never started" if self.run is None else f"start={self.run.key['start']}"
        return f"import of {self.service!r} ({start}): {self.status}"

    def is_run(self, run: ImportRun) -> bool:
        """Say whether it is this run: the time of its start is all that tells one import from another."""
        return self.run is not None and _same_start(self.run.key["start"], run.key.get("start"))

    def settles_in(self, answer: Answer) -> float:
        """
        Seconds for which a waiter with the default intervals may still not have seen this end.

        By WEBSALE's own clock (the ``Date`` of the answer), since it wrote the end.
        """
        began, ended = self.status.started_at, self.status.finished_at
        if began is None or ended is None:
            return 0.0
        since = (answer.date - ended).total_seconds()
        if since < -CLOCK_SKEW:
            return 0.0  # the two times can't be compared
        policy = PollPolicy(WEBSALE.poll_interval, WEBSALE.max_poll_interval)
        return unseen_for(policy, (ended - began).total_seconds(), max(since, 0.0))


def websale_run(service: str, start: str | None = None) -> ImportRun:
    """The import of a service that began at ``start``, as WEBSALE writes it; whichever is current, without one."""
    key = {"service": validation.required("service", service)}
    return ImportRun("websale", key if start is None else {**key, "start": validation.required("start", start)})


def read_import(service: str, report: Mapping[str, Any]) -> WebsaleImport:
    """
    Read a status object.

    FINISHED with a ``globalError`` is not a success: what the number means is not documented.

    :raises UnreadableAnswerError: if it has no numeric ``status``
    """
    code = _number(report.get("status"))
    if code is None:
        raise UnreadableAnswerError("the answer has no numeric status")
    word = WebsaleCode(code).name if code in WebsaleCode.__members__.values() else str(code)
    state, doubt = state_of(word, STATES)
    global_error, last_error = (_text(report.get(name)) for name in ("globalError", "lastError"))
    if global_error and state is ImportState.SUCCEEDED:
        state = ImportState.FAILED
    errors = _import_errors(report.get("importErrors"))
    general = [f"globalError {global_error}"] if global_error else []
    start, duration = report.get("start"), _number(report.get("duration"))
    if isinstance(start, str) and not is_whole(start):
        raise UnreadableAnswerError("the answer has a start that is no time")
    began, ended, end_doubt = parse_time(start), parse_time(report.get("end")), None
    if state.is_terminal and ended is None and began is not None and duration is not None:
        ended, end_doubt = _end_by_duration(began, duration)
    told = [doubt, *general, last_error, *errors[:MOST_SAMPLES], end_doubt]
    return WebsaleImport(
        service,
        ImportRun("websale", {"service": service, "start": start}) if isinstance(start, str) and start else None,
        ImportStatus(
            state,
            word,
            progress=_percentage(report.get("percentage")),
            counts=Counts(processed=_number(report.get("processed")), failed=_number(report.get("failed"))),
            message="; ".join(dict.fromkeys(line for line in told if line)) or None,
            errors=tuple(dict.fromkeys([*general, *errors, *([last_error] if last_error else [])])),
            started_at=began,
            finished_at=ended,
        ),
        duration,
    )


def _end_by_duration(began: datetime, duration: int) -> tuple[datetime | None, str | None]:
    """When an import ended whose ``end`` is missing, and how that is known; nothing if no calendar goes so far."""
    try:
        ended = began + timedelta(seconds=duration)
    except OverflowError:
        return None, None
    return ended, f"end is missing; finished_at is start and the duration of {duration}, taken as seconds"


def _same_start(one: str, other: str | None) -> bool:
    moment = parse_time(one)
    return one == other or (moment is not None and moment == parse_time(other))


def _number(value: object) -> int | None:
    if isinstance(value, str):
        value = int(value) if len(value) <= LONGEST_NUMBER and value.strip().isdecimal() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return read_count(value)


def _percentage(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number <= 100 else None


def _text(value: object) -> str:
    """What stands in a field of errors, in one line; nothing for the values that mean "none"."""
    if value in (None, "0", 0, False):
        return ""
    if isinstance(value, Mapping):
        told = value.get("message")
        shown = ", ".join(f"{key}: {one}" for key, one in value.items() if one not in (None, ""))
        text = str(told) if len(value) == 1 and told else shown
    else:
        text = str(value)
    return cut(text.strip(), LONGEST_ERROR)


def _import_errors(value: object) -> list[str]:
    """``importErrors``, whose items are not documented, as a bounded number of lines."""
    items = value if isinstance(value, list) else [value]
    lines = [line for line in map(_text, items[:MOST_ERRORS]) if line]
    more = len(items) - MOST_ERRORS
    return [*lines, f"... and {more:,} more import errors"] if more > 0 else lines

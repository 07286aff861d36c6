"""The progress line: its words, and when it is worth a line in the log while an import is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_imports.models import ImportStatus

#: Seconds between two log lines while nothing changes.
QUIET_SECONDS = 60.0


def progress_line(status: ImportStatus) -> str:
    """The words of a status: ``running (InProgress), 40 %, 3 inserted``; the counts' are ``Counts.__str__``."""
    parts = [f"{status.state} ({status.vendor_status})"]
    if status.progress is not None:
        parts.append(f"{status.progress:g} %")
    if any(count is not None for count in status.counts):
        parts.append(str(status.counts))
    if status.auto_created:
        parts.append(f"{status.auto_created:,} auto-created")
    if status.message and status.message != status.vendor_status:
        parts.append(status.message)
    return ", ".join(parts)


class Line(NamedTuple):
    """One line for the task's log."""

    text: str
    warning: bool = False

    def write(self, log: Any) -> None:
        """Write it to a logger, of the standard library or of structlog."""
        (log.warning if self.warning else log.info)("%s", self.text)


class ProgressLog:
    """The lines of one wait. It keeps only the newest status: thousands wait."""

    __slots__ = ("_logged_at", "_seen", "_trouble")

    def __init__(self) -> None:
        self._seen: ImportStatus | None = None
        self._trouble: tuple[str, str] | None = None
        self._logged_at = 0.0

    def of(self, status: ImportStatus, now: float) -> Line | None:
        """The line of a status, if it is news; the vendor's message about an end stands in the task's report only."""
        if self._trouble is not None:
            self._trouble, self._seen = None, None
        before, self._seen = self._seen, status
        if before is not None and _news(status) == _news(before) and now - self._logged_at < QUIET_SECONDS:
            return None
        self._logged_at = now
        if status.state.is_terminal:
            return Line(progress_line(status._replace(message=None)))
        return Line(progress_line(status), warning=status.message is not None)

    def of_trouble(self, trouble: str, error: str, message: str, now: float) -> Line | None:
        """The line of a look that failed, if it is news."""
        if (trouble, error) == self._trouble and now - self._logged_at < QUIET_SECONDS:
            return None
        self._trouble, self._logged_at = (trouble, error), now
        return Line(f"Status not readable, the import is left alone and looked at again: {message}", warning=True)


def _news(status: ImportStatus) -> tuple[object, ...]:
    return status.state, status.vendor_status, status.progress, status.counts

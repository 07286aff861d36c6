"""One import at the stand-in of WEBSALE: its status, and what it answers of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.progress import Progress, iso

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.records import Records

FAIL_FIELD = "__fail__"
READY, STARTING, RUNNING, PAUSED, CANCELED, FINISHED, ERROR = range(7)


@dataclass
class WebsaleRun:
    """One run. WEBSALE has no ids for them; ``start`` is unique here. ``send_mail`` is what was sent, or ``None``."""

    service: str
    start: str
    progress: Progress
    records: Records
    send_mail: bool | None
    starting_seconds: float
    paused: bool = False
    canceled: bool = False

    @property
    def global_error(self) -> str:
        """Why it ends as ERROR; empty if it does not."""
        failing = FAIL_FIELD in self.records.fields
        return self.records.broken or (f"a record has {FAIL_FIELD}" if failing else "")

    @property
    def status(self) -> int:
        """WEBSALE's numeric status."""
        if self.canceled:
            return CANCELED
        if self.progress.fraction >= 1:
            return ERROR if self.global_error else FINISHED
        if self.paused:
            return PAUSED
        return STARTING if self.progress.elapsed < self.starting_seconds else RUNNING

    def pause(self) -> bool:
        """Pause it if it is RUNNING; return whether it was."""
        if self.status != RUNNING:
            return False
        self.progress.halt()
        self.paused = True
        return True

    def resume(self) -> bool:
        """Let it go on if it is PAUSED; return whether it was."""
        if self.status != PAUSED:
            return False
        self.progress.go_on()
        self.paused = False
        return True

    def cancel(self) -> bool:
        """Cancel it if it is RUNNING, STARTING or PAUSED; return whether it was."""
        if self.status not in (RUNNING, STARTING, PAUSED):
            return False
        self.progress.halt()
        self.canceled = True
        return True

    def report(self, max_errors: int) -> dict[str, Any]:
        """Return the status object."""
        ended_at = self.progress.halted_at if self.canceled else self.progress.ended_at
        failed = self.progress.of(self.records.failed)
        errors = [
            {"message": f"invalid record: {sample}"} for sample in self.records.samples[: min(failed, max_errors)]
        ]
        is_error = self.status == ERROR
        last = self.global_error if is_error else errors[-1]["message"] if errors else ""
        return {
            "duration": int(self.progress.elapsed),
            "end": "" if ended_at is None else iso(ended_at),
            "failed": failed,
            "globalError": 1 if is_error else 0,
            "importErrors": errors,
            "lastError": last,
            "percentage": self.progress.of(100),
            "processed": self.progress.of(self.records.total),
            "start": self.start,
            "status": self.status,
        }


NOTHING_RUN = {
    "duration": 0,
    "end": "",
    "failed": 0,
    "globalError": 0,
    "importErrors": [],
    "lastError": "",
    "percentage": 0,
    "processed": 0,
    "start": "",
    "status": READY,
}

"""A vendor in memory, in a time of the test's own: it may begin an import at any moment after it has the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
#: Seconds that an import takes.
RUN_SECONDS = 90.0


@dataclass
class Request:
    """A start that the vendor has wholly, and has not begun yet."""

    begins_at: float


@dataclass
class Vendor:
    """
    Imports by the time of their start, in order.

    :param now: epoch seconds
    """

    now: float = START
    begun: list[float] = field(default_factory=list)
    pending: list[Request] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and begin what is due."""
        end = self.now + seconds
        for request in sorted(self.pending, key=lambda one: one.begins_at):
            if request.begins_at <= end:
                self.pending.remove(request)
                self.now = max(self.now, request.begins_at)
                self.begin()
        self.now = end

    def begin(self) -> float:
        """Begin an import now; no two begin in the same microsecond."""
        self.now += 0.000001
        self.begun.append(round(self.now, 6))
        return self.begun[-1]

    def receive(self, delay: float | None) -> float | None:
        """
        Get a whole start.

        :param delay: seconds until it begins; 0 begins it now; None never does
        :return: when it began, if it has
        """
        if delay == 0:
            return self.begin()
        if delay is not None:
            self.pending.append(Request(self.now + delay))
        return None

    def is_running(self, start: float) -> bool:
        """Whether the import of this start still runs; a later start of the same service ends it."""
        return start == self.begun[-1] and self.now < start + RUN_SECONDS

    def shown(self) -> dict[str, Any]:
        """The status object as WEBSALE shows it: of the newest import only."""
        if not self.begun:
            return {"status": 0, "start": "", "end": "", "processed": 0, "failed": 0}
        start = self.begun[-1]
        ended = not self.is_running(start)
        return {
            "status": 5 if ended else 2,
            "start": iso(start),
            "end": iso(start + RUN_SECONDS) if ended else "",
            "processed": 1,
            "failed": 0,
        }


def iso(moment: float) -> str:
    """A time as WEBSALE writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def clock_of(vendor: Callable[[], Vendor]) -> type[datetime]:
    """A ``datetime`` whose ``now`` is the vendor's."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(vendor().now, tz)

    return Clock

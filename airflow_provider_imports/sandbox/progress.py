"""Time in the sandbox: how far an import is, and how many calls a limit has left."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import NamedTuple

Clock = Callable[[], float]
"""Returns the seconds since the epoch. Tests inject one that stands still until it is told to move."""


class Progress:
    """
    How far something is that takes a known time, can be paused and can be stopped. Nothing runs: it is
    computed.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self.began = clock()
        self.halted_at: float | None = None
        """When it was stopped, unless it has gone on since."""
        self._idle = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds that were spent working, at most :attr:`seconds`."""
        now = self._clock() if self.halted_at is None else self.halted_at
        return min(max(now - self.began - self._idle, 0.0), self.seconds)

    @property
    def fraction(self) -> float:
        """Done share, from 0 to 1."""
        return self.elapsed / self.seconds if self.seconds > 0 else 1.0

    @property
    def ended_at(self) -> float | None:
        """When it came to its end, or ``None`` if it has not."""
        return self.began + self._idle + self.seconds if self.fraction >= 1.0 else None

    def of(self, total: int) -> int:
        """Return how many of ``total`` are done."""
        return math.floor(total * self.fraction)

    def halt(self) -> None:
        """Stop the clock of this work, for a pause or for good."""
        if self.halted_at is None:
            self.halted_at = self._clock()

    def go_on(self) -> None:
        """Continue after :meth:`halt`."""
        if self.halted_at is not None:
            self._idle += self._clock() - self.halted_at
            self.halted_at = None


class Taken(NamedTuple):
    """What a limit says to one more call."""

    allowed: bool
    remaining: int
    resets_at: float


class Window:
    """A limit of so many calls in a fixed window of time, counted for each key apart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[Hashable, tuple[float, int]] = {}

    def take(self, key: Hashable, calls: int | None, seconds: float) -> Taken:
        """Count one call; a limit of ``None`` allows every call. Refused calls do not count."""
        now = self._clock()
        ends, used = self._counts.get(key, (now + seconds, 0))
        if now >= ends:
            ends, used = now + seconds, 0
        if calls is not None and used >= calls:
            return Taken(False, 0, ends)
        self._counts[key] = (ends, used + 1)
        return Taken(True, 0 if calls is None else calls - used - 1, ends)


def iso(seconds: float) -> str:
    """Write a time as ISO 8601 with milliseconds and ``Z``, as all vendors do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

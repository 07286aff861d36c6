"""How fast a connection may be asked. Pure: the clock is handed in."""

from __future__ import annotations

from collections import deque

#: The documented limits count by the minute.
WINDOW = 60.0
#: A vendor's clock and ours do not start the minute together; keep this share of it free.
WINDOW_MARGIN = 0.02
_SPAN = WINDOW * (1 + WINDOW_MARGIN)


class RateLimit:
    """
    At most ``limit`` requests in any minute, and none before the time a vendor asked everybody to wait for.

    :param limit: requests a minute; None is unlimited
    """

    __slots__ = ("_held_until", "_limit", "_sent", "_window")

    def __init__(self, limit: float | None) -> None:
        self._limit = None if limit is None else max(int(limit), 1)
        self._window = WINDOW * (1 + WINDOW_MARGIN) / min(limit or 1.0, 1.0)  # longer for less than one a minute
        self._sent: deque[float] = deque()
        self._held_until = 0.0

    def held(self, now: float) -> float:
        """Seconds that are left of the wait that the vendor asked for."""
        return max(self._held_until - now, 0.0)

    def delay(self, now: float) -> float:
        """Seconds until the next request may be sent; 0 if it may be sent now."""
        delay = self._held_until - now
        if self._limit is not None and len(self._sent) >= self._limit:
            delay = max(delay, self._sent[-self._limit] + self._window - now)
        return max(delay, 0.0)

    def sent(self, now: float) -> None:
        """Note that a request is sent now."""
        if self._limit is not None:
            self._sent.append(now)
            while self._sent[0] <= now - _SPAN:
                self._sent.popleft()

    def hold(self, until: float) -> None:
        """Let nothing be sent before this time."""
        self._held_until = max(self._held_until, until)

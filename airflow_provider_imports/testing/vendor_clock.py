"""A clock for the sandbox that a test sets forward."""

from __future__ import annotations

import time


class VendorClock:
    """The vendors' clock: true, until it is set forward so that what runs there ends."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Set it forward."""
        self._ahead += seconds

    def be_true(self) -> None:
        """Show the time as it is again."""
        self._ahead = 0.0

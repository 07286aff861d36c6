"""Workers that run tries of one task step by step: between any two steps they may die, or be believed dead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from collections.abc import Callable


class KilledError(BaseException):
    """The process is gone."""


def pause() -> None:
    """End a step of the try that runs; outside of one, nothing happens."""
    here = getcurrent()
    if here.parent is not None:
        here.parent.switch()


class Store:
    """Airflow's store of one task instance; every access is a step."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Read, right after a pause: what follows a read belongs to the same step."""
        pause()
        return json.loads(self.written[key]) if key in self.written else default

    def set(self, key: str, value: Any) -> None:
        """Write."""
        pause()
        self.written[key] = json.dumps(value, allow_nan=False)
        pause()

    def delete(self, key: str) -> None:
        """Remove."""
        pause()
        self.written.pop(key, None)


class Try:
    """
    One try of the task.

    :param run: what it does
    """

    def __init__(self, run: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._run = run
        self._greenlet = greenlet(self._live)

    @property
    def is_over(self) -> bool:
        """It has succeeded, failed, or died."""
        return bool(self._greenlet.dead)

    def step(self) -> None:
        """Go on to the next pause, or to the end."""
        self._greenlet.switch()

    def die(self) -> None:
        """The process is gone at this point."""
        if self._greenlet:
            self._greenlet.throw(KilledError)
        self._greenlet = _DEAD

    def _live(self) -> None:
        try:
            self.result = self._run()
        except (Exception, KilledError) as error:  # noqa: BLE001  # Airflow catches everything, too
            self.error = error


_DEAD = greenlet(lambda: None)
_DEAD.switch()

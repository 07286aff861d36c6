"""A vendor's slot, and whose turn it is once that is free, among all who wait for it on one hook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.models import ImportRun

#: Seconds that a waiter has to get to a worker and start, before the next one is told that the slot is free.
TURN_SECONDS = 60.0

_Key = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Slot:
    """
    The vendor's only place for an import of a kind, as seen at one moment.

    :param busy: another start would be refused, or would kill what runs there
    :param run: who is, or was last, in it; None if nobody ever was
    :param described: who that is, in words for an error message
    :param settles_in: seconds for which whoever waits for that run may still not have seen its end, which the next
        start would hide
    """

    busy: bool
    run: ImportRun | None
    described: str
    settles_in: float = 0.0


class SlotTurns:
    """
    Let one waiter at a time through.

    Without it all who wait would be sent to a worker at once, to find there that one of them was faster. It only
    saves them the way: whoever passes looks again before it starts. Pure: the clock is handed in.
    """

    def __init__(self) -> None:
        self._passed: dict[_Key, tuple[_Key | None, float]] = {}

    def admits(self, slot: Mapping[str, str], last: ImportRun | None, now: float) -> bool:
        """
        Say whether the waiter that asks may pass.

        :param slot: the slot, which it has seen free
        :param last: the run that was last in it; once that is another one, the waiter that passed has had its turn
        :param now: seconds of any steady clock
        """
        place = frozenset(slot.items())
        occupant = None if last is None else frozenset(last.key.items())
        passed = self._passed.get(place)
        if passed is not None and passed[0] == occupant and now - passed[1] < TURN_SECONDS:
            return False
        self._passed[place] = (occupant, now)
        return True

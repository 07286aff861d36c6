"""
The answer to a start is lost, and the vendor acts on it later: while it may still begin the import, and after that.

Its clock is set forward, so nobody sleeps. Within the window (``longest_start`` of the hook) a later try adopts what
the vendor began; at a vendor that lets nobody look, the task asks, and only clearing it starts another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorUnavailableError
from airflow_provider_imports.operators import unclear_start
from airflow_provider_imports.testing.fault_matrix import acted, requests, starts
from airflow_provider_imports.testing.matrix import AFTER, STEP, LateCell, late_cells
from airflow_provider_imports.testing.roads import ALL_IMPORTS
from airflow_provider_imports.testing.suite import Suite, each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_imports.testing.roads import Road

#: Seconds after which the vendor acts, by its clock.
LATE = 60.0


def late_share(suite: type[Suite]) -> Sequence[LateCell]:
    """The cells that are run."""
    return list(late_cells(suite.starts))[:: max(1, STEP // 4)]


class LateActs(Suite):
    """A lost answer on which the vendor acts later is never a second import."""

    @each("cell", late_share)
    def test_a_late_act_is_never_a_second_import_of_the_same_start(
        self, reach: Any, live: Any, monkeypatch: Any, cell: LateCell
    ) -> None:
        road = reach(cell.way, held=cell.instead == "timeout")
        monkeypatch.setattr(unclear_start, "FIND_OUT_SECONDS", 0.0)  # each try looks once
        monkeypatch.setattr(self.hook_class(), "longest_start", 0.0 if cell.when == AFTER else 2 * LATE)
        if not cell.case.waits:
            road.sandbox.change_settings(run_seconds=ALL_IMPORTS - 1)  # no other is taken meanwhile
        life = live(cell.case, road.sandbox, deferrable=cell.deferrable)
        late = {"vendor": cell.case.vendor, "operation": cell.operation, "seconds": LATE, "instead": cell.instead}
        road.sandbox.add_fault("late", **late)
        life.try_once()

        if cell.is_sent_again:
            it_was_sent_again_and_the_late_act_changes_nothing(road, life, cell)
        elif not cell.case.adopts:
            nobody_can_look_so_the_task_asks(road, life, cell)
        elif cell.when == AFTER:
            it_is_started_once_the_window_is_over(road, life, cell)
        else:
            a_later_try_adopts_it(road, life, cell)
        assert not any(acted(road.sandbox, cell.case.vendor)[cancel] for cancel in self.cancels())


def it_acts(road: Road) -> None:
    """The vendor does what it was asked for a while ago."""
    road.clock.advance(LATE)
    road.sandbox.wait_for_late_acts()


def sent(road: Road, cell: LateCell) -> int:
    """How often the start was sent."""
    return requests(road.sandbox, cell.case).count(cell.case.start)


def it_was_sent_again_and_the_late_act_changes_nothing(road: Road, life: Any, cell: LateCell) -> None:
    """By the rules of the promise."""
    assert life.is_green, life.error
    it_acts(road)
    assert starts(road.sandbox, cell.case) == 1
    assert life.try_once().is_green
    assert starts(road.sandbox, cell.case) == 1


def nobody_can_look_so_the_task_asks(road: Road, life: Any, cell: LateCell) -> None:
    """By the rules of the promise."""
    for _ in range(2):  # Airflow does not retry it, but a worker may come back
        assert type(life.error) is UnknownOutcomeError
        assert "clear the task, and it starts" in str(life.error)
        life.try_once()
    it_acts(road)
    assert type(life.try_once().error) is UnknownOutcomeError
    assert sent(road, cell) == starts(road.sandbox, cell.case) == 1
    road.clock.advance(ALL_IMPORTS)
    assert life.clear().run().is_green, life.error
    assert sent(road, cell) == starts(road.sandbox, cell.case) == 2


def a_later_try_adopts_it(road: Road, life: Any, cell: LateCell) -> None:
    """By the rules of the promise."""
    for _ in range(2):
        assert type(life.error) is VendorUnavailableError, "Airflow must retry it"
        assert "the next try looks again" in str(life.error)
        life.try_once()
    assert sent(road, cell) == 1
    assert starts(road.sandbox, cell.case) == 0
    it_acts(road)
    assert life.try_once().is_green, life.error
    assert sent(road, cell) == starts(road.sandbox, cell.case) == 1


def it_is_started_once_the_window_is_over(road: Road, life: Any, cell: LateCell) -> None:
    """By the rules of the promise."""
    assert type(life.error) is VendorUnavailableError
    assert "a retry is safe" in str(life.error)
    assert sent(road, cell) == 1
    assert life.try_once().is_green, life.error
    assert sent(road, cell) == 2
    assert starts(road.sandbox, cell.case) == 1, "green on another import than its own"
    ours = life.result["run"]
    it_acts(road)
    assert life.try_once().is_green, life.error
    assert life.result["run"] == ours
    assert sent(road, cell) == 2

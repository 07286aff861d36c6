"""
Every call of a vendor x every fault x every way to it x both modes x first try and retry.

What must hold follows from the cell, by the rules of the promise; no cell has an expectation of its own. A share of the
cells is run, chosen by their place; with ``FAULT_MATRIX_STEP=1`` all are.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorAuthError, VendorImportError
from airflow_provider_imports.testing.matrix import CONNECT, DIRECT, IN_THE_BODY, STEP, WAYS, Cell, cells
from airflow_provider_imports.testing.roads import ALL_IMPORTS
from airflow_provider_imports.testing.suite import MODES, Suite, all_cases, each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_imports.testing.cases import Case


def share(suite: type[Suite]) -> Sequence[Cell]:
    """The cells that are run."""
    return list(cells(all_cases(suite)))[::STEP]


def cannot_show(cell: Cell) -> str | None:
    """Why a fault would be none."""
    if cell.operation in cell.case.without_body and cell.fault in IN_THE_BODY:
        return f"the answer to {cell.operation} has no body"
    return None


class FaultMatrix(Suite):
    """Never twice, never lost, whatever goes wrong."""

    @pytest.mark.parametrize("way", WAYS)
    @each("case", all_cases)
    @MODES
    def test_without_faults_the_vendor_gets_the_calls_that_the_matrix_covers(
        self, reach: Any, live: Any, case: Case, deferrable: bool, way: str
    ) -> None:
        road = reach(way)
        life = live(case, road.sandbox, deferrable=deferrable)
        before = [] if road.proxy is None else list(road.proxy.requests)
        assert life.run().is_green, life.error
        got = requests(road.sandbox, case)
        assert list(dict.fromkeys(got)) == [*case.first, *case.at_end]
        expected = case.requests or case.first
        assert without_repeated_log_in(got, case)[: len(expected)] == list(expected)
        if road.proxy is not None:
            methods = {line.split()[0] for line in road.proxy.requests[len(before) :]}
            assert methods, "it went another way"
            assert methods == {"CONNECT"} if way == CONNECT else "CONNECT" not in methods, "it went another way"

    @each("case", lambda suite: suite.starts)
    @MODES
    def test_a_retry_makes_the_calls_that_the_matrix_covers(
        self, reach: Any, live: Any, case: Case, deferrable: bool
    ) -> None:
        sandbox = reach(DIRECT).sandbox
        life = live(case, sandbox, deferrable=deferrable).die_once_started()
        sandbox.clear_journal()
        assert life.try_once().is_green, life.error
        got = requests(sandbox, case)
        assert list(dict.fromkeys(got)) == [*case.again, *case.at_end]
        assert got[: len(case.again)] == list(case.again)

    @each("cell", share, unless=cannot_show)
    def test_never_twice_never_lost(
        self, reach: Any, live: Any, everything_told: Any, task_state_store: Any, cell: Cell
    ) -> None:
        road = reach(cell.way, held=cell.holds_the_answer)
        sandbox = road.sandbox
        if not cell.case.waits:
            sandbox.change_settings(run_seconds=ALL_IMPORTS - 1)  # longer than any repeats
        life = live(cell.case, sandbox, deferrable=cell.deferrable)
        if cell.retry:
            life.die_once_started()
        if cell.proxy_fault is not None:
            road.break_at(cell.requests_before, cell.proxy_fault)
        else:
            sandbox.add_fault(**cell.sandbox_fault)
        life.run(sandbox.clear_faults if cell.is_refused_by_the_proxy else None)

        if cell.proxy_fault is not None:
            assert road.was_broken, "the fault met no request"
        elif cell.fault != "refused":
            assert any(entry.fault for entry in sandbox.entries(cell.case.vendor)), "the fault met no call"
        assert not canceled_wrongly(sandbox, cell, self.cancels()), "nothing may be canceled because it can't be seen"
        for error in life.errors:
            assert isinstance(error, VendorImportError), f"an error that is not ours: {error!r}"
        asked_for = 1 if cell.case.starts_import else 0
        if cell.ends_unknown:
            assert type(life.error) is UnknownOutcomeError
            assert isinstance(life.error, AirflowFailException), "Airflow must not retry it"
            assert "clear the task, and it starts" in str(life.error)
            assert starts(sandbox, cell.case) == int(cell.acts)
            asked_for += int(cell.acts)
            road.clock.advance(ALL_IMPORTS)  # so that the vendor takes another
            life.clear().run()
        elif cell.is_refused_for_good:
            assert type(life.error) is VendorAuthError
            assert starts(sandbox, cell.case) == int(cell.comes_after_the_start)
            life.clear().run()
        assert life.is_green, life.error
        assert life.result["state"] == cell.case.ends
        assert starts(sandbox, cell.case) == asked_for, "started twice, or green without a start"
        if not cell.case.starts_import:
            assert not acted(sandbox, cell.case.vendor).keys() & self.acts(), "a sensor only reads"
        told = everything_told(
            *life.errors, life.trigger_arguments, life.events, life.result, task_state_store.written, sandbox.journal
        )
        told += json.dumps([context["ti"].xcoms for context in life.contexts])
        assert sandbox.connection(cell.case.vendor)["password"] not in told, "a credential is shown"


def canceled_wrongly(sandbox: Any, cell: Cell, cancels: set[str]) -> list[Any]:
    """What was canceled, but for what was staged and then turned down: none of it runs."""
    order = [entry for entry in sandbox.entries(cell.case.vendor) if entry.acted]
    started = [entry.n for entry in order if entry.operation == cell.case.start]
    may_clear = cell.is_turned_down and cell.hits_a_start and cell.case.stages
    return [
        entry
        for entry in order
        if entry.operation in cancels and not (may_clear and all(entry.n < start for start in started))
    ]


def without_repeated_log_in(got: list[str], case: Case) -> list[str]:
    """The calls, but for log-ins after the first: the trigger logs in by itself."""
    others = set(case.first) - {case.start, case.status, *case.stages, *case.at_end}
    return [call for number, call in enumerate(got) if call not in others or call not in got[:number]]


def requests(sandbox: Any, case: Case) -> list[str]:
    """What the vendor got, one by one."""
    return [entry.operation for entry in sandbox.entries(case.vendor)]


def acted(sandbox: Any, vendor: str) -> Counter[str]:
    """How often the vendor acted on each call."""
    return Counter(entry.operation for entry in sandbox.entries(vendor) if entry.acted)


def starts(sandbox: Any, case: Case) -> int:
    """Imports that the vendor really started."""
    return acted(sandbox, case.vendor)[case.start]

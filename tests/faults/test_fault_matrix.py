"""
Every call of every vendor x every fault x every way to it x both modes x first try and retry.

What must hold follows from the cell, by the rules of the promise; no cell has an expectation of its own. ``make test``
runs a share of the cells, chosen by their place; ``make faults`` runs all.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorAuthError, VendorImportError
from tests.faults.cases import CASES, SENSORS, Case
from tests.faults.conftest import ALL_IMPORTS
from tests.faults.matrix import DIRECT, STEP, WAYS, Cell, cells

ALL_CELLS = list(cells())
CANCELS = ("cancel_import", "clear_import")

MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [*CASES, *SENSORS], ids=lambda case: case.name)
@MODES
def test_without_faults_the_vendor_gets_the_calls_that_the_matrix_covers(
    reach, live, case: Case, deferrable: bool, way: str
):
    road = reach(way)
    life = live(case, road.sandbox, deferrable=deferrable)
    before = [] if road.proxy is None else list(road.proxy.requests)
    assert life.run().is_green, life.error
    got = requests(road.sandbox, case)
    assert list(dict.fromkeys(got)) == list(case.first)
    expected = case.requests or case.first
    assert got[: len(expected)] == list(expected)
    if road.proxy is not None:
        methods = {line.split()[0] for line in road.proxy.requests[len(before) :]}
        assert methods == {"CONNECT"} if way == "connect" else methods <= {"GET", "POST"}, "it went another way"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@MODES
def test_a_retry_makes_the_calls_that_the_matrix_covers(reach, live, case: Case, deferrable: bool):
    sandbox = reach(DIRECT).sandbox
    life = live(case, sandbox, deferrable=deferrable).die_once_started()
    sandbox.clear_journal()
    assert life.try_once().is_green, life.error
    got = requests(sandbox, case)
    assert list(dict.fromkeys(got)) == list(case.again)
    assert got[: len(case.again)] == list(case.again)


@pytest.mark.parametrize("cell", ALL_CELLS[::STEP], ids=str)
def test_never_twice_never_lost(reach, live, everything_told, task_state_store, cell: Cell):
    road = reach(cell.way)
    sandbox = road.sandbox
    if not cell.case.waits:
        sandbox.change_settings(run_seconds=ALL_IMPORTS - 1)  # longer than the repeats that Blueshift asks for
    life = live(cell.case, sandbox, deferrable=cell.deferrable)
    if cell.retry:
        life.die_once_started()
    if cell.proxy_fault is not None:
        road.break_at(cell.requests_before, cell.proxy_fault)
    else:
        sandbox.add_fault(**cell.sandbox_fault)
    life.run()

    if cell.proxy_fault is not None:
        assert road.was_broken, "the fault met no request"
    elif cell.fault != "refused":
        assert any(entry.fault for entry in sandbox.entries(cell.case.vendor)), "the fault met no call"
    assert not canceled(sandbox, cell), "nothing may be canceled because it can't be seen"
    for error in life.errors:
        assert isinstance(error, VendorImportError), f"an error that is not ours: {error!r}"
    asked_for = 0 if cell.case.awaits else 1
    if cell.ends_unknown:
        assert type(life.error) is UnknownOutcomeError
        assert isinstance(life.error, AirflowFailException), "Airflow must not retry it"
        assert "clear the task, and it starts" in str(life.error)
        assert starts(sandbox, cell.case) == int(cell.acts)
        asked_for += int(cell.acts)
        road.clock.advance(ALL_IMPORTS)  # so that Blueshift takes another
        life.clear().run()
    elif cell.is_refused_for_good:
        assert type(life.error) is VendorAuthError
        assert starts(sandbox, cell.case) == int(cell.comes_after_the_start)
        life.clear().run()
    assert life.is_green, life.error
    assert life.result["state"] == (cell.case.ends if cell.case.waits else "accepted")
    assert starts(sandbox, cell.case) == asked_for, "started twice, or green without a start"
    if cell.case.awaits:
        assert not acted(sandbox, cell.case.vendor).keys() - {"login"}, "a sensor only reads"
    told = everything_told(
        *life.errors, life.trigger_arguments, life.events, life.result, task_state_store.written, sandbox.journal
    )
    told += json.dumps([context["ti"].xcoms for context in life.contexts])
    assert sandbox.connection(cell.case.vendor)["password"] not in told, "a credential is shown"


def canceled(sandbox: Any, cell: Cell) -> list[Any]:
    """What was canceled; what was staged and then turned down may be, since none of it runs."""
    order = [entry for entry in sandbox.entries(cell.case.vendor) if entry.acted]
    started = [entry.n for entry in order if entry.operation == cell.case.start]
    may_clear = cell.is_turned_down and cell.hits_a_start and cell.case.stages
    return [
        entry
        for entry in order
        if entry.operation in CANCELS and not (may_clear and all(entry.n < start for start in started))
    ]


def requests(sandbox: Any, case: Case) -> list[str]:
    return [entry.operation for entry in sandbox.entries(case.vendor)]


def acted(sandbox: Any, vendor: str) -> Counter[str]:
    return Counter(entry.operation for entry in sandbox.entries(vendor) if entry.acted)


def starts(sandbox: Any, case: Case) -> int:
    """Imports that the vendor really started."""
    return acted(sandbox, case.vendor)[case.start]

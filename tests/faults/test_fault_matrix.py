"""
Every call of every vendor x every fault x both modes x first try and retry.

What must hold follows from the cell, by the rules of the promise; no cell has an expectation of its own. ``make test``
runs one cell in six, chosen by its place; ``make faults`` runs all.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorImportError
from tests.faults.cases import CASES, Case
from tests.faults.matrix import STEP, Cell, cells
from tests.faults.task_life import TOO_LONG

ALL_CELLS = list(cells())
CANCELS = ("cancel_import", "clear_import")


@pytest.fixture(autouse=True)
def in_bounded_time():
    def too_long(*_: Any) -> None:
        raise TimeoutError("the cell takes too long")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TOO_LONG)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])
def test_without_faults_the_vendor_gets_the_calls_that_the_matrix_covers(impatient, live, case: Case, deferrable: bool):
    life = live(case, deferrable=deferrable).run()
    assert life.is_green, life.error
    assert calls(impatient, case) == list(case.first)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])
def test_a_retry_makes_the_calls_that_the_matrix_covers(impatient, live, case: Case, deferrable: bool):
    life = live(case, deferrable=deferrable).die_once_started()
    impatient.clear_journal()
    assert life.try_once().is_green, life.error
    assert calls(impatient, case) == list(case.again)


@pytest.mark.parametrize("cell", ALL_CELLS[::STEP], ids=str)
def test_never_twice_never_lost(impatient, live, everything_told, task_state_store, cell: Cell):
    life = live(cell.case, deferrable=cell.deferrable)
    if not cell.case.waits:
        impatient.change_settings(run_seconds=600)  # longer than the repeats that Blueshift asks for
    if cell.retry:
        life.die_once_started()
    impatient.add_fault(**cell.sandbox_fault)
    life.run()

    journal = [entry for entry in impatient.journal if entry.vendor == cell.case.vendor]
    acted = Counter(entry.operation for entry in journal if entry.acted)
    if cell.fault != "refused":
        assert any(entry.fault for entry in journal), "the fault met no call"
    assert not any(acted[cancel] for cancel in CANCELS), "nothing may be canceled because it can't be seen"
    for error in life.errors:
        assert isinstance(error, VendorImportError), f"an error that is not ours: {error!r}"
    if cell.ends_unknown:
        assert type(life.error) is UnknownOutcomeError
        assert isinstance(life.error, AirflowFailException), "Airflow must not retry it"
        assert "clear the task, and it starts" in str(life.error)
        assert started(cell, acted) == int(cell.acts)
    else:
        assert life.is_green, life.error
        assert life.result["state"] == ("succeeded" if cell.case.waits else "accepted")
        assert started(cell, acted) == 1, "started twice, or green without a start"
    told = everything_told(
        *life.errors, life.trigger_arguments, life.events, life.result, task_state_store.written, impatient.journal
    )
    told += json.dumps([context["ti"].xcoms for context in life.contexts])
    for secret in secrets(impatient, cell.case.vendor):
        assert secret not in told, "a credential is shown"


def calls(sandbox: Any, case: Case) -> list[str]:
    return list(dict.fromkeys(entry.operation for entry in sandbox.journal if entry.vendor == case.vendor))


def started(cell: Cell, acted: Counter[str]) -> int:
    """Imports that the vendor really started: the most that any of its starting calls did."""
    return acted[cell.case.start]


def secrets(sandbox: Any, vendor: str) -> list[str]:
    return [sandbox.connection(vendor)["password"]]

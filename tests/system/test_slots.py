"""Four runs that want the same slot at once, at WEBSALE and at Rocket.Chat, in a running Airflow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.testing.vendor_clock import VendorClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.sandbox.journal import Entry
    from tests.system.running_airflow import RunningAirflow

pytestmark = [pytest.mark.system, pytest.mark.long]

DAG = "slots"
STARTS = {"websale": "start_import", "rocketchat": "run_import"}
CANCELS = {"websale": "cancel_import", "rocketchat": "clear_import"}
PATIENCE = 240
RUN_SECONDS = 3600
#: Each run's name is its ``if_running``, but for the one that is there first.
FIRST, FAIL, WAIT, REPLACE = "first", "fail", "wait", "replace"
every_vendor = pytest.mark.parametrize("vendor", STARTS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Vendors whose imports end when their clock is set forward."""
    clock = VendorClock()
    settings = {"rocketchat": {"calls_per_window": None}}
    with Sandbox(run_seconds=RUN_SECONDS, clock=clock, settings=settings).in_thread() as sandbox:
        sandbox.clock = clock
        yield sandbox


@pytest.fixture(scope="module")
def before_it_ended(
    airflow: RunningAirflow, sandbox: Sandbox, connect: Callable[[Sandbox, str], None]
) -> dict[str, dict[str, str | None]]:
    """What had become of the first import when the run with ``fail`` had failed; all runs have ended since."""
    connect(sandbox, "slots")
    airflow.trigger(DAG, {"if_running": "fail"}, run_id=FIRST)
    until_deferred(airflow, FIRST)
    airflow.trigger(DAG, {"if_running": "fail"}, run_id=FAIL)
    airflow.trigger(DAG, {"if_running": "wait"}, run_id=WAIT)
    airflow.wait_for_run(DAG, FAIL, PATIENCE)
    until_deferred(airflow, WAIT)
    seen = {run: airflow.task_states(DAG, run) for run in (FIRST, WAIT)}

    airflow.trigger(DAG, {"if_running": "replace"}, run_id=REPLACE)
    airflow.wait_for_run(DAG, FIRST, PATIENCE)
    until_deferred(airflow, REPLACE)
    sandbox.clock.advance(RUN_SECONDS)
    airflow.wait_for_run(DAG, REPLACE, PATIENCE)
    airflow.wait_for(lambda: all(len(started(sandbox, vendor)) == 3 for vendor in STARTS) or None, PATIENCE, "starts")
    until_deferred(airflow, WAIT, times=2)  # for its turn, and for its import
    sandbox.clock.advance(RUN_SECONDS)
    airflow.wait_for_run(DAG, WAIT, PATIENCE)
    return seen


def until_deferred(airflow: RunningAirflow, run_id: str, times: int = 1) -> None:
    """Wait until both tasks of a run have deferred so often; one that has ended instead tells why."""

    def state(vendor: str) -> str | None:
        seen = airflow.task_states(DAG, run_id).get(vendor)
        return seen if seen in ("deferred", "failed", "success") else None

    for vendor in STARTS:
        seen = airflow.wait_for(partial(state, vendor), PATIENCE, f"{vendor} of {run_id!r} to be deferred")
        assert seen == "deferred", airflow.task_log(DAG, run_id, vendor)
        airflow.wait_for_deferral(DAG, run_id, vendor, PATIENCE, times=times)


def started(sandbox: Sandbox, vendor: str) -> list[Entry]:
    return [entry for entry in sandbox.entries(vendor, STARTS[vendor]) if entry.acted]


def key_of(airflow: RunningAirflow, run_id: str, vendor: str) -> str:
    """The vendor's own name of the import that a run's task started."""
    key = airflow.xcom(DAG, run_id, vendor, "import_run")
    return str(key.get("start") or key["operation_id"])


@pytest.mark.usefixtures("before_it_ended")
class TestFail:
    @every_vendor
    def test_the_second_says_who_is_in_the_way(self, airflow: RunningAirflow, vendor: str) -> None:
        log = airflow.task_log(DAG, FAIL, vendor)

        assert airflow.task_states(DAG, FAIL)[vendor] == "failed"
        assert "ImportBusyError" in log
        assert key_of(airflow, FIRST, vendor) in log

    @every_vendor
    def test_the_first_is_untouched(
        self, before_it_ended: dict[str, dict[str, str | None]], sandbox: Sandbox, vendor: str
    ) -> None:
        assert before_it_ended[FIRST][vendor] == "deferred"
        assert len(started(sandbox, vendor)) == 3  # of the others


@pytest.mark.usefixtures("before_it_ended")
class TestReplace:
    @every_vendor
    def test_the_first_ends_as_superseded(self, airflow: RunningAirflow, vendor: str) -> None:
        assert airflow.task_states(DAG, FIRST)[vendor] == "failed"
        assert "ImportSupersededError" in airflow.task_log(DAG, FIRST, vendor)

    @every_vendor
    def test_nobody_cancels_anything(self, sandbox: Sandbox, vendor: str) -> None:
        assert sandbox.entries(vendor, CANCELS[vendor]) == []

    @every_vendor
    def test_the_one_that_replaced_it_ends_green(self, airflow: RunningAirflow, vendor: str) -> None:
        assert airflow.task_states(DAG, REPLACE)[vendor] == "success"


@pytest.mark.usefixtures("before_it_ended")
class TestWait:
    @every_vendor
    def test_it_waits_without_a_worker(self, before_it_ended: dict[str, dict[str, str | None]], vendor: str) -> None:
        assert before_it_ended[WAIT][vendor] == "deferred"

    @every_vendor
    def test_it_ends_green_after_the_one_that_it_waited_for(
        self, airflow: RunningAirflow, sandbox: Sandbox, vendor: str
    ) -> None:
        assert airflow.task_states(DAG, WAIT)[vendor] == "success"
        runs = [entry.run for entry in started(sandbox, vendor)]
        assert runs == [key_of(airflow, run, vendor) for run in (FIRST, REPLACE, WAIT)]
        replaced, waited = (airflow.xcom(DAG, run, vendor) for run in (REPLACE, WAIT))
        assert waited["started_at"] >= replaced["finished_at"]

"""A person marks tasks as failed or successful, or clears them, while their imports run, in a running Airflow."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.testing.vendor_clock import VendorClock
from tests.system.dags.ended_by_a_person import ON_WORKER, VENDORS, WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.sandbox.journal import Entry
    from tests.system.running_airflow import RunningAirflow

pytestmark = pytest.mark.system

DEFERRED, WORKER = "ended_by_a_person", "ended_on_the_worker"
RUN = "a_run"
STARTS = {"websale": "start_import", "rocketchat": "run_import", "pigment": "trigger_import"}
CANCELS = {"websale": "cancel_import", "rocketchat": "clear_import"}
PATIENCE = 240
RUN_SECONDS = 3600

every_vendor_that_cancels = pytest.mark.parametrize("vendor", CANCELS)


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[dict[str, Sandbox]]:
    """Vendors for each way out, whose imports end when their clock is set forward."""
    with ExitStack() as stack:
        sandboxes = {}
        for way in (*WAYS, ON_WORKER):
            clock = VendorClock()
            settings = {"rocketchat": {"calls_per_window": None}}
            sandbox = Sandbox(run_seconds=RUN_SECONDS, clock=clock, settings=settings)
            sandbox.clock = clock
            sandboxes[way] = stack.enter_context(sandbox.in_thread())
        yield sandboxes


@pytest.fixture(scope="module", autouse=True)
def ended(airflow: RunningAirflow, sandboxes: dict[str, Sandbox], connect: Callable[[Sandbox, str], None]) -> None:
    """Every task has been ended by a person, and the cleared ones have run again."""
    for way, sandbox in sandboxes.items():
        connect(sandbox, way)
    airflow.trigger(DEFERRED, run_id=RUN)
    for task in (f"{vendor}_{way}" for way in WAYS for vendor in VENDORS):
        airflow.wait_for_task(DEFERRED, RUN, task, "deferred", PATIENCE)
    waits(airflow, partial(everything_is_looked_at, sandboxes), "the triggers to look")

    for way in WAYS:  # one after the other, since SQLite does not take everything at once
        for vendor in VENDORS:
            end(airflow, f"{vendor}_{way}", way)
        for vendor in VENDORS:
            waits(airflow, partial(has_been_told, airflow, vendor, way), f"the trigger of {vendor}_{way} to be told")
    airflow.trigger(WORKER, run_id=RUN)
    for vendor in VENDORS:
        task = f"{vendor}_{ON_WORKER}"
        waits(airflow, partial(airflow.xcom, WORKER, RUN, task, "import_run"), f"{task} to start its import")
        airflow.set_task_state(WORKER, RUN, task, "failed")

    waits(airflow, partial(all_canceled, sandboxes[ON_WORKER]), "the worker to cancel")
    # an import that ends while its task is still being deferred meets a race in Airflow's scheduler
    try:
        waits(airflow, partial(cleared_tasks_wait, airflow, sandboxes["cleared"]), "the cleared tasks to wait")
    except TimeoutError as error:
        error.add_note(f"{airflow.task_states(DEFERRED, RUN)}")
        for vendor in VENDORS:
            seen = [entry.operation for entry in sandboxes["cleared"].entries(vendor)[-12:]]
            error.add_note(f"{vendor}: {seen}")
        raise
    sandboxes["cleared"].clock.advance(RUN_SECONDS)
    airflow.wait_for_run(DEFERRED, RUN, PATIENCE)
    airflow.wait_for_run(WORKER, RUN, PATIENCE)


def end(airflow: RunningAirflow, task: str, way: str) -> None:
    if way == "cleared":
        airflow.clear_task(DEFERRED, RUN, task)
    else:
        airflow.set_task_state(DEFERRED, RUN, task, "success" if way == "success" else "failed")


def waits(airflow: RunningAirflow, seen: Callable[[], object], what: str) -> None:
    airflow.wait_for(lambda: seen() or None, PATIENCE, what)


def has_been_told(airflow: RunningAirflow, vendor: str, way: str) -> bool:
    """The trigger knows that its task was ended, and has done what is to be done about it."""
    told = log(airflow, vendor, way)
    return any(line in told for line in ("The task was killed", "Airflow stopped the trigger", "has moved to another"))


def everything_is_looked_at(sandboxes: dict[str, Sandbox]) -> bool:
    """Every trigger runs: its look comes after the start."""
    for way in WAYS:
        for vendor in VENDORS:
            journal = sandboxes[way].entries(vendor)
            if journal[-1].operation != "get_import_status":
                return False
    return True


def cleared_tasks_wait(airflow: RunningAirflow, sandbox: Sandbox) -> bool:
    """Every cleared task is deferred again, and its trigger has looked at the only import that is not canceled."""
    states = airflow.task_states(DEFERRED, RUN)
    return all(
        states[f"{vendor}_cleared"] == "deferred"
        and len(started(sandbox, vendor)) == len(canceled(sandbox, vendor)) + 1
        and sandbox.entries(vendor)[-1].operation == "get_import_status"
        for vendor in VENDORS
    )


def all_canceled(sandbox: Sandbox) -> bool:
    return all(canceled(sandbox, vendor) for vendor in CANCELS)


def started(sandbox: Sandbox, vendor: str) -> list[Entry]:
    return [entry for entry in sandbox.entries(vendor, STARTS[vendor]) if entry.acted]


def canceled(sandbox: Sandbox, vendor: str) -> list[Entry]:
    """Also those that did nothing: none must be sent for nothing."""
    return sandbox.entries(vendor, CANCELS[vendor]) if vendor in CANCELS else []


def log(airflow: RunningAirflow, vendor: str, way: str, try_number: int = 1) -> str:
    return airflow.task_log(DEFERRED, RUN, f"{vendor}_{way}", try_number)


def key_of(airflow: RunningAirflow, task: str, dag: str = DEFERRED) -> str:
    """The vendor's own name of the import that a task started."""
    (key,) = [
        value
        for name, value in airflow.xcom(dag, RUN, task, "import_run").items()
        if name in ("start", "operation_id", "import_id")
    ]
    return str(key)


@pytest.mark.parametrize("way", ["failed", "success"])
@every_vendor_that_cancels
def test_marking_a_deferred_task_cancels_its_import_once(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], vendor: str, way: str
) -> None:
    ours = key_of(airflow, f"{vendor}_{way}")

    assert [(entry.acted, entry.run) for entry in canceled(sandboxes[way], vendor)] == [(True, ours)]
    assert [entry.run for entry in started(sandboxes[way], vendor)] == [ours]
    assert airflow.task_states(DEFERRED, RUN)[f"{vendor}_{way}"] == way


@pytest.mark.parametrize("way", ["failed", "success"])
def test_pigments_import_goes_on_and_the_log_says_so(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], way: str
) -> None:
    assert len(started(sandboxes[way], "pigment")) == 1
    assert f"{key_of(airflow, f'pigment_{way}')}) goes on, since Pigment can't cancel one" in log(
        airflow, "pigment", way
    )


@every_vendor_that_cancels
def test_a_cleared_task_ends_green_with_the_only_import_that_is_not_canceled(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], vendor: str
) -> None:
    """Where the new try waits before the trigger has asked about the old one, nothing is canceled or started anew."""
    starts = [entry.run for entry in started(sandboxes["cleared"], vendor)]
    cancels = [entry.run for entry in canceled(sandboxes["cleared"], vendor)]

    assert len(starts) in (1, 2)
    assert cancels == starts[:-1]
    assert key_of(airflow, f"{vendor}_cleared") == starts[-1]
    assert airflow.task_states(DEFERRED, RUN)[f"{vendor}_cleared"] == "success", log(airflow, vendor, "cleared", 2)


def test_pigments_import_is_waited_for_again_after_clearing(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox]
) -> None:
    assert len(started(sandboxes["cleared"], "pigment")) == 1
    assert "so it is not started again" in log(airflow, "pigment", "cleared", try_number=2)
    assert airflow.task_states(DEFERRED, RUN)["pigment_cleared"] == "success"


@every_vendor_that_cancels
def test_nothing_is_canceled_if_the_user_wants_that(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], vendor: str
) -> None:
    assert canceled(sandboxes["kept"], vendor) == []
    assert "is left running: cancel_on_kill is off" in log(airflow, vendor, "kept")


@every_vendor_that_cancels
def test_a_task_that_is_ended_on_the_worker_cancels_its_import_once(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox], vendor: str
) -> None:
    task = f"{vendor}_{ON_WORKER}"
    ours = key_of(airflow, task, WORKER)

    assert [(entry.acted, entry.run) for entry in canceled(sandboxes[ON_WORKER], vendor)] == [(True, ours)]
    assert [entry.run for entry in started(sandboxes[ON_WORKER], vendor)] == [ours]
    assert "Killed: " in airflow.task_log(WORKER, RUN, task)


def test_pigments_import_goes_on_if_its_task_is_ended_on_the_worker(
    airflow: RunningAirflow, sandboxes: dict[str, Sandbox]
) -> None:
    assert len(started(sandboxes[ON_WORKER], "pigment")) == 1
    assert "goes on, since Pigment can't cancel one" in airflow.task_log(WORKER, RUN, f"pigment_{ON_WORKER}")

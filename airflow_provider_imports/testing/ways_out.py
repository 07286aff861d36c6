"""
Every way out of a wait: is the import canceled (only ours, only where the vendor can), what does the task say, and what
does a retry do. The same table stands in the docs ("Never twice, never lost").
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_imports.exceptions import (
    ImportSupersededError,
    ImportTimeoutError,
    VendorUnavailableError,
)
from airflow_provider_imports.testing.fault_matrix import acted, starts
from airflow_provider_imports.testing.roads import ALL_IMPORTS
from airflow_provider_imports.testing.suite import MODES, Suite, each, has_no_slots, tells_nothing
from airflow_provider_imports.triggers import imports as triggers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_imports.testing.cases import Start


@pytest.fixture
def deferred(long_imports: Any, make_context: Any, tmp_path: Path) -> Callable[..., Any]:
    """Start an import deferrably, and return the trigger that the triggerer would run."""

    def start(case: Start, **options: Any) -> Any:
        operator = case.make(tmp_path, deferrable=True, **options)
        with pytest.raises(TaskDeferred) as caught:
            operator.execute(make_context())
        path, arguments = caught.value.trigger.serialize()
        assert path.endswith("ImportTrigger")
        return triggers.ImportTrigger(**json.loads(json.dumps(arguments)))

    return start


def canceled(sandbox: Any, case: Start) -> int:
    """How often it was canceled."""
    return acted(sandbox, case.vendor)[case.cancel or ""]


@pytest.fixture
def waiting(make_context: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Let an operator start and wait as a worker does, in a thread, so that it can be killed meanwhile."""
    threads: list[tuple[threading.Thread, Any]] = []

    def start(sandbox: Any, case: Start, **options: Any) -> Any:
        operator = case.make(tmp_path, deferrable=False, outage_tolerance=0.1, **options)
        operator.ended_with = None

        def execute() -> None:
            try:
                operator.execute(make_context())
            except Exception as error:  # noqa: BLE001  # as Airflow does
                operator.ended_with = error

        thread = threading.Thread(target=execute)
        threads.append((thread, sandbox))
        thread.start()
        until(lambda: operator._run is not None and starts(sandbox, case))
        return operator

    yield start
    for thread, sandbox in threads:
        sandbox.add_fault("status", status=503, count=None)
        thread.join(10)
        assert not thread.is_alive()


def allowed(case: Start, **choice: bool) -> dict[str, bool]:
    """What the user says about a cancel, where the vendor has one."""
    return choice if case.cancel else {}


def until(condition: Callable[[], Any]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


class WaysOut(Suite):
    """A wait ends as it should, whoever ends it."""

    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    @pytest.mark.parametrize("cancel_on_kill", [True, False])
    def test_a_kill_on_the_worker_cancels_our_import_once_where_vendor_and_user_allow(
        self, long_imports: Any, waiting: Any, case: Start, cancel_on_kill: bool
    ) -> None:
        operator = waiting(long_imports, case, **allowed(case, cancel_on_kill=cancel_on_kill))
        operator.on_kill()
        assert canceled(long_imports, case) == int(cancel_on_kill and case.cancel is not None)
        assert starts(long_imports, case) == 1

    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    @pytest.mark.parametrize("cancel_on_kill", [True, False])
    def test_a_kill_while_deferred_cancels_our_import_once_where_vendor_and_user_allow(
        self, long_imports: Any, deferred: Any, case: Start, cancel_on_kill: bool
    ) -> None:
        asyncio.run(deferred(case, **allowed(case, cancel_on_kill=cancel_on_kill)).on_kill())
        assert canceled(long_imports, case) == int(cancel_on_kill and case.cancel is not None)

    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    def test_a_trigger_that_moves_to_another_triggerer_cancels_nothing(
        self, long_imports: Any, deferred: Any, monkeypatch: Any, case: Start
    ) -> None:
        trigger = deferred(case)

        async def is_still_deferred(_: Any) -> bool:
            return True

        monkeypatch.setattr(triggers, "_is_still_deferred", is_still_deferred)
        asyncio.run(trigger.on_kill())
        assert canceled(long_imports, case) == 0

    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    def test_a_restarted_triggerer_cancels_nothing_and_its_successor_sees_the_end(
        self, long_imports: Any, deferred: Any, clock: Any, case: Start
    ) -> None:
        trigger = deferred(case)

        async def stop_and_start_elsewhere() -> Any:
            first = asyncio.ensure_future(anext(trigger.run()))
            await asyncio.sleep(0.1)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            await trigger.cleanup()
            clock.advance(ALL_IMPORTS)
            _, arguments = trigger.serialize()
            async with asyncio.timeout(10):
                return await anext(triggers.ImportTrigger(**json.loads(json.dumps(arguments))).run())

        event = asyncio.run(stop_and_start_elsewhere())
        assert event.payload["outcome"] == "succeeded"
        assert canceled(long_imports, case) == 0
        assert starts(long_imports, case) == 1

    @MODES
    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    def test_at_the_deadline_the_import_is_canceled_where_the_vendor_can_and_a_retry_does_what_is_right(
        self, long_imports: Any, live: Any, clock: Any, case: Start, deferrable: bool
    ) -> None:
        life = live(case, long_imports, deferrable=deferrable, timeout=0.4).try_once()
        assert type(life.error) is ImportTimeoutError
        assert canceled(long_imports, case) == (1 if case.cancel else 0)
        if not case.cancel:
            assert "the next try waits for it" in str(life.error)
        clock.advance(ALL_IMPORTS)
        life.try_once()
        if case.cancel:  # it starts again, and meets the deadline again
            assert type(life.error) is ImportTimeoutError
            assert starts(long_imports, case) == 2
        else:
            assert life.is_green, life.error
            assert starts(long_imports, case) == 1

    @MODES
    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    def test_at_the_deadline_the_import_is_left_alone_if_the_user_wants_that(
        self, long_imports: Any, live: Any, clock: Any, case: Start, deferrable: bool
    ) -> None:
        choice = allowed(case, cancel_on_timeout=False)
        life = live(case, long_imports, deferrable=deferrable, timeout=0.3, **choice).try_once()
        assert type(life.error) is ImportTimeoutError
        assert "the next try waits for it" in str(life.error)
        clock.advance(ALL_IMPORTS)
        assert life.try_once().is_green, life.error
        assert canceled(long_imports, case) == 0
        assert starts(long_imports, case) == 1

    @MODES
    @each("case", lambda suite: suite.starts, unless=tells_nothing)
    def test_an_outage_ends_the_wait_without_a_cancel_and_a_retry_goes_on_with_the_import(
        self, long_imports: Any, live: Any, clock: Any, case: Start, deferrable: bool
    ) -> None:
        life = live(case, long_imports, deferrable=deferrable, outage_tolerance=0.3).die_once_started()
        long_imports.add_fault("status", vendor=case.vendor, operation=case.status, status=503, count=None)
        life.try_once()
        assert type(life.error) is VendorUnavailableError
        assert "outage_tolerance" in str(life.error)
        long_imports.clear_faults()
        clock.advance(ALL_IMPORTS)
        assert life.try_once().is_green, life.error
        assert canceled(long_imports, case) == 0
        assert starts(long_imports, case) == 1

    @each("case", lambda suite: suite.starts, unless=has_no_slots)
    def test_a_superseded_import_ends_as_such_and_cancels_nothing_of_the_other_on_the_worker(
        self, long_imports: Any, waiting: Any, case: Start
    ) -> None:
        operator = waiting(long_imports, case)
        assert case.supersede is not None
        case.supersede()
        until(lambda: operator.ended_with is not None)
        assert type(operator.ended_with) is ImportSupersededError
        before = canceled(long_imports, case)
        operator.on_kill()
        assert canceled(long_imports, case) == before

    @each("case", lambda suite: suite.starts, unless=has_no_slots)
    def test_a_superseded_import_ends_as_such_and_cancels_nothing_of_the_other_while_deferred(
        self, long_imports: Any, deferred: Any, make_context: Any, tmp_path: Path, case: Start
    ) -> None:
        trigger = deferred(case)
        assert case.supersede is not None
        case.supersede()
        before = canceled(long_imports, case)

        async def wait_and_kill() -> Any:
            event = await anext(trigger.run())
            await trigger.on_kill()
            return event.payload

        event = asyncio.run(wait_and_kill())
        assert canceled(long_imports, case) == before
        with pytest.raises(ImportSupersededError):
            case.make(tmp_path, deferrable=True).execute_complete(make_context(), event=event)

"""What the benchmarks measure, guarded in every test run without a clock: nothing leaks, nobody is asked too often."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
import tracemalloc
from typing import TYPE_CHECKING

import psutil
import pytest

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.http import loop_clients
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.triggers.imports import ImportTrigger
from tests.benchmarks import politeness
from tests.benchmarks.vendor import VendorProcess
from tests.benchmarks.waiting import import_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: `WAITS=100000 pytest tests/benchmarks/test_waits.py` is the whole of it, and takes minutes.
WAITS = int(os.environ.get("WAITS", "600"))
AT_ONCE = 100
#: Bytes that all of them together may leave behind: caches of a bounded size. Each leaked wait would leave 7,000.
LEFT_BEHIND = 300_000


@pytest.fixture
def ended_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImportRun]:
    """An import that has ended, at a vendor in a process of its own, and a connection without a limit that matters."""
    with VendorProcess() as vendor:
        vendor.end()
        connection = {
            "conn_type": "pigment",
            "host": vendor.url,
            "password": "0123456789abcdef",
            "extra": {"requests_per_minute": 1_000_000},
        }
        monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", json.dumps(connection))
        yield ImportRun("pigment", {"import_id": import_ids(1)[0]})


async def wait_for(run: ImportRun) -> object:
    """Wait once, as a triggerer does."""
    trigger = ImportTrigger(
        hook=f"{PigmentHook.__module__}.{PigmentHook.__qualname__}",
        conn_id="pigment_default",
        deadline=time.time() + 600,
        poll_interval=0.01,
        max_poll_interval=0.01,
        outage_tolerance=60,
        run=run.to_json(),
    )
    async for event in trigger.run():
        return event.payload["outcome"]
    return None


async def wait_often(run: ImportRun, waits: int) -> set[object]:
    """Wait many times, a hundred at once."""
    outcomes: set[object] = set()
    for _ in range(waits // AT_ONCE):
        outcomes.update(await asyncio.gather(*(wait_for(run) for _ in range(AT_ONCE))))
    return outcomes


async def test_many_waits_leave_no_socket_no_task_and_no_memory(ended_run: ImportRun) -> None:
    assert await wait_often(ended_run, 2 * AT_ONCE) == {"succeeded"}
    process = psutil.Process()
    gc.collect()
    tasks, files = len(asyncio.all_tasks()), process.num_fds()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert await wait_often(ended_run, WAITS) == {"succeeded"}
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await settled(lambda: process.num_fds() <= files)
    assert not loop_clients._clients.get(asyncio.get_running_loop())
    assert len(asyncio.all_tasks()) <= tasks
    assert after - before < LEFT_BEHIND


async def settled(reached: Callable[[], bool]) -> None:
    """Let the event loop go on until something is so."""
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0.01)


def test_many_who_wait_keep_to_the_vendors_limit_and_notice_every_end() -> None:
    seen = politeness.simulate(120)
    assert seen.refused == 0
    assert seen.noticed == 120
    assert seen.reads > 240


@pytest.mark.parametrize("vendor", politeness.STARTS)
async def test_a_hundred_who_wait_for_one_slot_ask_as_often_as_one(vendor: str) -> None:
    one, many = [await politeness.count_shared_reads(vendor, waiters, 1.5) for waiters in (1, 100)]
    assert one >= 1
    assert many <= 2 * one + 2

"""
A process that waits for a thousand imports in one event loop, one way or another, and tells what that cost.

`python -m tests.benchmarks.waiting imports --imports 1000 --url http://127.0.0.1:8000 --control ...` prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.benchmarks.profiled import Sampler
from tests.benchmarks.vendor import REPOSITORY, read_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.benchmarks.vendor import VendorProcess

API_KEY = "0123456789abcdef"
TICK = 0.01


def import_ids(count: int) -> list[str]:
    """As many ids as there are imports."""
    return [f"3fa85f64-5717-4562-b3fc-{number:012x}" for number in range(count)]


def bare_aiohttp(options: argparse.Namespace) -> Callable[[], Coroutine[Any, Any, None]]:
    """The floor: a loop around one shared `aiohttp` session, and nothing else."""
    import aiohttp

    headers = {"Authorization": f"Bearer {API_KEY}"}

    async def wait() -> None:
        connector = aiohttp.TCPConnector(limit=options.sockets)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(import_id: str) -> None:
                url = f"{options.url}/api/v1/import/{import_id}/status"
                await asyncio.sleep(options.spread * random.random())
                while True:
                    await asyncio.sleep(options.interval * random.uniform(0.9, 1.1))
                    async with session.get(url, headers=headers) as response:
                        if json.loads(await response.read())["importStatus"] != "InProgress":
                            return

            await asyncio.gather(*map(one, import_ids(options.imports)))

    return wait


def import_trigger(options: argparse.Namespace) -> Callable[[], Coroutine[Any, Any, None]]:
    """Ours: the trigger that every operator and sensor of this package defers to."""
    connection = {
        "conn_type": "pigment",
        "host": options.url,
        "password": API_KEY,
        "extra": {"requests_per_minute": 1_000_000},
    }
    os.environ["AIRFLOW_CONN_PIGMENT_DEFAULT"] = json.dumps(connection)

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.triggers.imports import ImportTrigger

    def trigger(import_id: str) -> ImportTrigger:
        return ImportTrigger(
            hook="airflow_provider_imports.hooks.pigment.PigmentHook",
            conn_id="pigment_default",
            deadline=time.time() + 86400,
            poll_interval=options.interval,
            max_poll_interval=options.interval,
            outage_tolerance=1800,
            run=ImportRun("pigment", {"import_id": import_id}).to_json(),
        )

    return lambda: _run_triggers(map(trigger, import_ids(options.imports)), options.spread)


def http_sensor(options: argparse.Namespace) -> Callable[[], Coroutine[Any, Any, None]]:
    """What a deferrable `HttpSensor` defers to. It only waits while the answer is 404."""
    os.environ["AIRFLOW_CONN_HTTP_DEFAULT"] = json.dumps({"conn_type": "http", "host": options.url})

    from airflow.providers.http.triggers.http import HttpSensorTrigger

    headers = {"Authorization": f"Bearer {API_KEY}"}
    numbers = range(options.imports)
    triggers = (
        HttpSensorTrigger(endpoint=f"sensor/{number}", headers=headers, poke_interval=options.interval)
        for number in numbers
    )
    return lambda: _run_triggers(triggers, options.spread)


def thread_per_read(options: argparse.Namespace) -> Callable[[], Coroutine[Any, Any, None]]:
    """The newest official style: a blocking read in a thread (`asyncio.to_thread`)."""
    import requests

    headers = {"Authorization": f"Bearer {API_KEY}"}

    async def one(import_id: str) -> None:
        url = f"{options.url}/api/v1/import/{import_id}/status"
        await asyncio.sleep(options.spread * random.random())
        while True:
            await asyncio.sleep(options.interval * random.uniform(0.9, 1.1))
            response = await asyncio.to_thread(requests.get, url, headers=headers, timeout=60)
            if response.json()["importStatus"] != "InProgress":
                return

    async def wait() -> None:
        await asyncio.gather(*map(one, import_ids(options.imports)))

    return wait


CANDIDATES = {
    "floor": bare_aiohttp,
    "imports": import_trigger,
    "http_sensor": http_sensor,
    "threads": thread_per_read,
}


async def _run_triggers(triggers: Any, spread: float) -> None:
    async def one(trigger: Any) -> None:
        await asyncio.sleep(spread * random.random())
        async for _ in trigger.run():
            return

    await asyncio.gather(*(asyncio.create_task(one(trigger)) for trigger in triggers))


class LoopWatch:
    """How long the event loop was held at a time, at most."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look every hundredth of a second until canceled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, loop.time() - due)


async def _measure(options: argparse.Namespace, wait: Callable[[], Coroutine[Any, Any, None]]) -> dict[str, float]:
    before = resident()
    count_reads = partial(asyncio.get_running_loop().run_in_executor, ThreadPoolExecutor(1), _reads, options)
    waiting = asyncio.create_task(wait())
    await asyncio.sleep(options.warm_up)
    watch, sampler = LoopWatch(), Sampler()
    watching = asyncio.create_task(watch.watch()) if options.watch else None
    reads, cpu, clock = await count_reads(), time.process_time(), time.perf_counter()
    with sampler if options.profile else nullcontext():
        await asyncio.sleep(options.seconds)
    cpu = time.process_time() - cpu
    clock = time.perf_counter() - clock
    reads = await count_reads() - reads
    if waiting.done():
        waiting.result()
        raise RuntimeError("the wait ended before it was measured")
    if watching is not None:
        watching.cancel()
    gc.collect()
    found = {
        "reads": reads,
        "cpu_ms_per_read": 1000 * cpu / max(reads, 1),
        "reads_per_second": reads / clock,
        "cpu_share": cpu / clock,
        "resident_before": before,
        "resident": resident(),
        "longest_hold_ms": 1000 * watch.longest,
    }
    if options.profile:
        found |= {part: share * found["cpu_ms_per_read"] for part, share in sampler.shares().items()}
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return found


def _reads(options: argparse.Namespace) -> int:
    answered: int = read_counts(options.control)["answered"]
    return answered


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(
    vendor: VendorProcess, candidate: str, *, certificate: str | None = None, **options: Any
) -> dict[str, float]:
    """Measure a candidate in a process of its own."""
    options |= {"url": vendor.url, "control": vendor.control}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if certificate is not None:
        environment |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), certificate)
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.waiting", candidate, *words],
        env={**environment, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Wait and measure."""
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks.waiting", description=__doc__)
    command.add_argument("candidate", choices=CANDIDATES)
    command.add_argument("--url", required=True)
    command.add_argument("--control", required=True)
    command.add_argument("--imports", type=int, default=1000)
    command.add_argument("--interval", type=float, default=1.0)
    command.add_argument("--spread", type=float, default=0.0, help="seconds over which the imports are started")
    command.add_argument("--warm-up", type=float, default=3.0)
    command.add_argument("--seconds", type=float, default=5.0)
    command.add_argument("--sockets", type=int, default=100)
    command.add_argument("--watch", type=int, default=0)
    command.add_argument("--profile", type=int, default=0)
    options = command.parse_args()
    wait = CANDIDATES[options.candidate](options)
    logging.disable(logging.WARNING)
    with asyncio.Runner() as runner:
        print(json.dumps(runner.run(_measure(options, wait))), flush=True)
        os._exit(0)  # else a thread per read would be waited for: minutes, at a slow vendor


if __name__ == "__main__":
    main()

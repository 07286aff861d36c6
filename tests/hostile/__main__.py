"""Print how long the event loop is held and a deadline overrun, how many spellings are read, what cleaning costs."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import timeit
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import airflow_provider_imports.testing.plugin  # noqa: F401  # gives this process an Airflow home of its own
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.http.call import Answer
from airflow_provider_imports.http.secrets import Secrets
from airflow_provider_imports.testing.answers import bodies
from airflow_provider_imports.testing.holds import watched
from airflow_provider_imports.testing.spellings import PASSWORDS, SECOND_WRITERS, WRITERS, may_be_read, spelt
from airflow_provider_imports.testing.wire import WireServer
from tests.hostile import looks
from tests.hostile.slow import SLOW

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.models import ImportRun

#: Holds that are listed.
MOST_SHOWN = 5
#: Looks at the same answer, if one takes so many seconds.
REPEATS = 5
WORTH_REPEATING = 0.02
SAMPLE = Path(__file__).parents[1] / "samples" / "rocketchat" / "status_importing.json"


async def holds() -> dict[str, float]:
    """The longest hold of each answer, in seconds."""
    found = {}
    for name, make in bodies(looks.STATUS, looks.KEPT).items():
        async with looks.looks_at(make()) as found_looks:
            found[name] = max([await hold(look) for look in found_looks])
    return found


async def hold(look: Callable[[], Awaitable[str]]) -> float:
    """The longest hold of one look, in seconds; a long one is repeated, for the machine may have been busy."""
    shortest = float("inf")
    for _ in range(REPEATS):
        with watched() as watch:
            await look()
        shortest = min(shortest, watch.longest)
        if shortest < WORTH_REPEATING:
            break
    return shortest


async def overruns() -> dict[str, float]:
    """How long after its deadline a look ended whose answer does not end, in seconds."""
    found = {}
    for name, react in SLOW.items():
        with WireServer(react) as server:
            async with looks.hooks_at(server.url) as hooks:
                found[name] = max(await asyncio.gather(*(overrun(hook, run) for hook, run in hooks)))
    return found


async def overrun(hook: ImportHook, run: ImportRun) -> float:
    """How long after a deadline one look ended, in seconds."""
    deadline = time.time() + 1
    with suppress(VendorImportError):
        await hook.arun_flow(hook.status_flow(run), deadline)
    return time.time() - deadline


def spellings() -> tuple[int, int]:
    """How many spellings of passwords were tried, and in how many the password could still be read."""
    tried = read = 0
    for password in PASSWORDS:
        secrets = Secrets([password])
        for writer in WRITERS:
            for second in SECOND_WRITERS:
                tried += 1
                read += may_be_read(secrets.redacted(f"The key {spelt(password, writer, second)} is wrong."), password)
    return tried, read


def cost_of_a_read(secrets: Secrets) -> float:
    """Microseconds to read a status."""
    answer = Answer(200, {}, SAMPLE.read_bytes(), secrets=secrets)
    return min(timeit.repeat(answer.json, number=2_000, repeat=7)) / 2_000 * 1e6


def main() -> None:
    """Measure and print."""
    logging.disable()
    found = asyncio.run(holds())
    print(f"{len(found)} hostile answers; the event loop was held for {max(found.values()) * 1000:.0f} ms at the most:")
    for name, seconds in sorted(found.items(), key=lambda one: -one[1])[:MOST_SHOWN]:
        print(f"  {seconds * 1000:6.1f} ms  {name}")
    late, what = max((seconds, name) for name, seconds in asyncio.run(overruns()).items())
    print(f"A look ended {late:.1f} s after its deadline at the latest ({what}).")
    tried, read = spellings()
    print(f"{tried:,} spellings of {len(PASSWORDS)} passwords tried; {read} can be read in what is reported.")
    content = SAMPLE.read_bytes()
    bare = min(timeit.repeat(lambda: json.loads(content), number=2_000, repeat=7)) / 2_000 * 1e6
    print(
        f"A status of {len(content)} bytes is read in {cost_of_a_read(Secrets([PASSWORDS[0]])):.1f} us, "
        f"{bare:.1f} us of them by Python's JSON."
    )


if __name__ == "__main__":
    main()

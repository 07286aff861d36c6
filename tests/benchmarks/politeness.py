"""Requests that a vendor gets: within its limit, while it refuses, and from many who wait for one slot."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import selectors
import statistics
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.benchmarks.figure import Figure, Goal, Row, machine
from tests.benchmarks.vendor import VendorProcess
from tests.benchmarks.waiting import import_ids, measure

if TYPE_CHECKING:
    import argparse

    from airflow_provider_imports.models import ImportRun

TITLE = "Politeness: requests that the vendor gets"
IMPORTS = 500
LIMIT = 100
MINUTE = 60.0
LIMITED_SECONDS = 5.0
WAITERS = (1, 100)
NOTHING = Goal(0, of="value")


class FastSelector(selectors.DefaultSelector):
    """Waits for nothing: what would have been waited is added to the clock."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let the time pass at once, unless something is ready."""
        ready = super().select(0)
        if not ready and timeout:
            self.passed += timeout
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop in which hours pass in seconds. Nothing that waits for a socket or a thread may run in it."""

    def __init__(self) -> None:
        self._fast = FastSelector()
        super().__init__(self._fast)

    def time(self) -> float:
        """Seconds that have passed in it."""
        return self._fast.passed


@dataclass(slots=True)
class LimitedVendor:
    """
    Pigment, with a limit of requests in any minute, as an `aiohttp` session.

    :param loop: whose clock counts
    :param ends: when each import ends, by its id
    """

    loop: asyncio.AbstractEventLoop
    ends: dict[str, float]
    reads: int = 0
    refused: int = 0
    recent: deque[float] = field(default_factory=deque)

    async def request(self, method: str, url: Any, **_: Any) -> Answer:
        """Answer after a moment; 429 beyond the limit."""
        await asyncio.sleep(random.uniform(0.05, 0.5))
        now = self.loop.time()
        while self.recent and self.recent[0] <= now - MINUTE:
            self.recent.popleft()
        self.reads += 1
        if len(self.recent) >= LIMIT:
            self.refused += 1
            return Answer(429, b'{"detail": "limit reached"}')
        self.recent.append(now)
        ended = now >= self.ends[str(url).split("/")[6]]
        return Answer(200, json.dumps({"importStatus": "Completed" if ended else "InProgress"}).encode())

    async def close(self) -> None:
        """Nothing to close."""


class Answer:
    """What is used of an `aiohttp` answer."""

    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self._body = content
        self.content = self

    async def readany(self) -> bytes:
        """All of it at once."""
        body, self._body = self._body, b""
        return body

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it."""

    reads: int
    refused: int
    noticed: int
    delays: list[float]


def simulate(imports: int = IMPORTS) -> Seen:
    """Let the package's triggers wait for imports that take a minute to two hours, in a fast clock."""
    loop = FastLoop()
    began = time.time()
    with mock.patch("time.time", side_effect=lambda: began + loop.time()):
        try:
            return loop.run_until_complete(_wait_for_all(loop, imports))
        finally:
            loop.close()


async def _wait_for_all(loop: asyncio.AbstractEventLoop, imports: int) -> Seen:
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.http.async_client import AsyncClient
    from airflow_provider_imports.http.settings import Settings
    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.triggers import imports as triggers

    dice = random.Random(6)
    ends = {import_id: dice.uniform(60, 7200) for import_id in import_ids(imports)}
    vendor = LimitedVendor(loop, ends)

    async def look_up(hook: PigmentHook) -> Settings:
        return Settings("pigment_default", "http://127.0.0.1:1", password="0123456789abcdef")

    async def open_session(client: AsyncClient, settings: Settings) -> None:
        client._session, client.access.settings = vendor, settings  # type: ignore[assignment]
        client._base = URL(settings.base_url)

    async def load(path: str) -> type[PigmentHook]:
        return PigmentHook

    delays = []

    async def wait(import_id: str) -> None:
        trigger = triggers.ImportTrigger(
            hook="airflow_provider_imports.hooks.pigment.PigmentHook",
            conn_id="pigment_default",
            deadline=time.time() + 86400,
            poll_interval=15,
            max_poll_interval=300,
            outage_tolerance=1800,
            run=ImportRun("pigment", {"import_id": import_id}).to_json(),
        )
        async for event in trigger.run():
            if event.payload["outcome"] == "succeeded":
                delays.append(loop.time() - ends[import_id])

    with (
        mock.patch.object(PigmentHook, "_alook_up", look_up),
        mock.patch.object(AsyncClient, "_open", open_session),
        mock.patch.object(triggers, "load_hook", load),
    ):
        await asyncio.gather(*map(wait, ends))
    return Seen(vendor.reads, vendor.refused, len(delays), delays)


async def count_shared_reads(vendor: str, waiters: int, seconds: float) -> int:
    """Let many wait for one import, and count the status requests that the sandbox got."""
    from airflow_provider_imports.sandbox import Sandbox
    from airflow_provider_imports.triggers.imports import ImportTrigger

    async with Sandbox(run_seconds=3600) as sandbox:
        with mock.patch.dict(os.environ, sandbox.connection_env()):
            hook, run = await asyncio.to_thread(STARTS[vendor])
            sandbox.clear_journal()

            async def wait() -> None:
                trigger = ImportTrigger(
                    hook=hook,
                    conn_id=f"{vendor}_default",
                    deadline=time.time() + 86400,
                    poll_interval=0.5,
                    max_poll_interval=0.5,
                    outage_tolerance=1800,
                    run=run.to_json(),
                )
                async for _ in trigger.run():
                    return

            tasks = [asyncio.create_task(wait()) for _ in range(waiters)]
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return sum(entry.method == "GET" for entry in sandbox.entries(vendor))


def _start_websale() -> tuple[str, ImportRun]:
    from airflow_provider_imports.hooks.websale import WebsaleHook

    with closing(WebsaleHook()) as hook:
        run = hook.start_import("product", b'[{"id": "1"}]', "json")
    return "airflow_provider_imports.hooks.websale.WebsaleHook", run


def _start_rocketchat() -> tuple[str, ImportRun]:
    from airflow_provider_imports.hooks.rocketchat import RocketChatHook

    with closing(RocketChatHook()) as hook:
        run = hook.new_import()
        hook.add_users([{"username": "ada", "emails": ["ada@example.com"], "importIds": ["1"]}])
        hook.run_import(run)
    return "airflow_provider_imports.hooks.rocketchat.RocketChatHook", run


#: Of the vendors that have one import at a time, whose waiters can share a read.
STARTS = {"websale": _start_websale, "rocketchat": _start_rocketchat}


def run(options: argparse.Namespace) -> Figure:
    """Simulate a limit, meet a vendor that refuses, and share reads."""
    logging.disable(logging.WARNING)
    seen = simulate()
    rows = [
        Row(f"{IMPORTS} imports, {LIMIT} reads a minute allowed: answers 429", seen.refused, goal=NOTHING),
        Row("ends not noticed", IMPORTS - seen.noticed, goal=NOTHING),
        Row("status reads in all", seen.reads, f"all that {LIMIT} a minute allow", _allowed(seen)),
        Row("delay until an end is noticed, s (median)", statistics.median(seen.delays)),
    ]
    ours, theirs = (_while_limited(name) for name in ("imports", "http_sensor"))
    words = f"{IMPORTS} imports, 429 for {LIMITED_SECONDS:g} s: requests"
    rows.append(Row(words, ours, "deferrable HttpSensor", theirs, goal=Goal(IMPORTS, of="value")))
    for vendor, name in (("websale", "WEBSALE"), ("rocketchat", "Rocket.Chat")):
        one, many = (asyncio.run(count_shared_reads(vendor, waiters, 5.0)) for waiters in WAITERS)
        rows.append(
            Row(f"{WAITERS[1]} waiters of one {name} import: requests", many, "one waiter", one, goal=Goal(2.0))
        )
    return Figure(__name__.rpartition(".")[2], TITLE, rows, machine=machine())


def _allowed(seen: Seen) -> float:
    return (7200 + max(seen.delays)) / MINUTE * LIMIT


def _while_limited(candidate: str) -> int:
    with VendorProcess(limited_seconds=LIMITED_SECONDS) as vendor:
        measure(vendor, candidate, imports=IMPORTS, interval=1.0, warm_up=LIMITED_SECONDS + 1, seconds=1.0)
        limited: int = vendor.counts()["limited"]
    return limited

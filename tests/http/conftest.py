"""Both transports behind one name, pauses that take no time, and a port where nobody listens."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace

import pytest

from airflow_provider_imports.http import async_client as async_client_module
from airflow_provider_imports.http import sync_client as sync_client_module
from airflow_provider_imports.http.call import Answer, Call, one_call
from tests.http.vendor import Connection, VendorOfTest, opened, sync_client

Send = Callable[..., Awaitable[Answer]]


@pytest.fixture(params=["blocking", "awaiting"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send one call through a fresh client: ``await send(connection, call, patience=0.0, vendor=None)``."""

    async def by_blocking(
        connection: Connection, call: Call, patience: float = 0.0, vendor: VendorOfTest | None = None
    ) -> Answer:
        client = sync_client(connection, vendor)
        try:
            return client.run(one_call(call), patience)
        finally:
            client.close()

    async def by_awaiting(
        connection: Connection, call: Call, patience: float = 0.0, vendor: VendorOfTest | None = None
    ) -> Answer:
        async with opened(connection, vendor) as client:
            return await client.run(one_call(call), patience=patience)

    return by_blocking if request.param == "blocking" else by_awaiting


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between two sendings, which take no time here: the blocking clock runs ahead, the awaiting one stands."""
    waits: list[float] = []
    ahead = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        ahead[0] += seconds

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr(sync_client_module, "time", clock)
    monkeypatch.setattr(async_client_module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": asleep}))
    monkeypatch.setattr("airflow_provider_imports.http.request_queue.RequestQueue.hold", lambda gate, seconds: None)
    monkeypatch.setattr("airflow_provider_imports.http.send_steps.random", SimpleNamespace(random=lambda: 0.5))
    return waits


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, kept so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]

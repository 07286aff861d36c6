"""A sandbox in a thread, a clock that stands still, and a client that says as little as possible."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox


class Clock:
    """Says the same time until it is moved."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """Imports take ten seconds of the clock."""
    with Sandbox(run_seconds=10, clock=clock).in_thread() as running:
        yield running


Call = Callable[..., requests.Response]


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Call]:
    """Send one request to the sandbox: ``call("POST", "/pigment/api/...", data=b"...")``."""
    with requests.Session() as session:

        def send(method: str, path: str, **options: Any) -> requests.Response:
            return session.request(method, sandbox.url + path, timeout=10, **options)

        yield send

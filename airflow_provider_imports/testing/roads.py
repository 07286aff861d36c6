"""The sandbox, the ways to it, its connections and waits, quick enough for a thousand cells."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox.middlewares import sandbox_app
from airflow_provider_imports.testing.cases import Wait
from airflow_provider_imports.testing.matrix import CONNECT, DIRECT, ProxyFault
from airflow_provider_imports.testing.proxy import HOST, ProxyServer
from airflow_provider_imports.testing.task_life import TaskLife
from airflow_provider_imports.testing.vendor_clock import VendorClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp import web

    from airflow_provider_imports.testing.cases import Case
    from airflow_provider_imports.testing.suite import Suite

#: Seconds that the connections wait for an answer; a busy machine must not make a call fail.
TIMEOUT = 1.0
#: The same where a fault holds the answer back, which takes longer than either.
TIMEOUT_OF_A_HELD_ANSWER = 0.3
#: Longer than any import here takes.
ALL_IMPORTS = 601.0


class WatchedSandbox(Sandbox):
    """A sandbox that can close its connection after each request, and tells when an answer begins."""

    closes = False

    def before_answer(self) -> None:
        """Called right before the first byte of an answer."""

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        app = sandbox_app(self, self._journal, self._faults, self._port.refuse)
        app.on_response_prepare.append(self._prepare)
        await self._port.start(app)

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        if self.closes:
            response.force_close()
            response.headers["Connection"] = "close"
        self.before_answer()

    def calm_down(self) -> None:
        """As it was at first."""
        self.closes = False
        self.__dict__.pop("before_answer", None)
        self.reset()


@dataclass
class Road:
    """A sandbox and what lies before it."""

    sandbox: WatchedSandbox
    clock: VendorClock
    proxy: ProxyServer | None = None

    def break_at(self, number: int, fault: ProxyFault) -> None:
        """Let the proxy fail once, after so many more requests, each of which comes over a connection of its own."""
        assert self.proxy is not None
        proxy = self.proxy
        self.sandbox.closes = True
        proxy.answer, proxy.closes, proxy.only = fault.answer, fault.closes, len(proxy.requests) + number + 1

        def lose() -> None:
            if len(proxy.requests) == proxy.only:
                proxy.reset_clients()

        if fault.loses:
            self.sandbox.before_answer = lose  # type: ignore[method-assign]

    @property
    def was_broken(self) -> bool:
        """The fault met a request."""
        assert self.proxy is not None
        return self.proxy.only is not None and len(self.proxy.requests) >= self.proxy.only


@pytest.fixture(scope="session")
def clock() -> VendorClock:
    """The time of all sandboxes of the conformance suite."""
    return VendorClock()


@pytest.fixture(scope="session")
def sandboxes(clock: VendorClock, server_tls: ssl.SSLContext) -> Iterator[dict[bool, WatchedSandbox]]:
    """One that speaks plain HTTP (False), and one that speaks TLS."""
    with (
        WatchedSandbox(clock=clock).in_thread() as plain,
        WatchedSandbox(clock=clock, ssl_context=server_tls).in_thread() as secure,
    ):
        yield {False: plain, True: secure}


@pytest.fixture
def reach(
    request: pytest.FixtureRequest,
    sandboxes: dict[bool, WatchedSandbox],
    clock: VendorClock,
    monkeypatch: pytest.MonkeyPatch,
    tls_files: Path,
) -> Iterator[Callable[..., Road]]:
    """
    ``reach(way, held=False)``: connections that lead to a sandbox that way, with quick imports.

    With ``held``, an answer is held back, and they give up soon unless a proxy makes all slower.
    """
    suite: type[Suite] = request.cls
    with ExitStack() as stack:

        def lead(way: str = DIRECT, *, held: bool = False) -> Road:
            sandbox = sandboxes[way == CONNECT]
            sandbox.calm_down()
            clock.be_true()
            sandbox.change_settings(run_seconds=0.1, **{suite.vendor(): suite.settings})
            more: dict[str, Any] = {"timeout": TIMEOUT_OF_A_HELD_ANSWER if held and way == DIRECT else TIMEOUT}
            proxy = None
            if way != DIRECT:
                proxy = stack.enter_context(ProxyServer())
                more |= {
                    "proxies": {"http": proxy.url, "https": proxy.url},
                    "allow_http": True,
                    "verify": str(tls_files / "cert.pem"),
                }
            hurry(sandbox, suite, monkeypatch, HOST if proxy else "127.0.0.1", more)
            return Road(sandbox, clock, proxy)

        yield lead


@pytest.fixture(scope="session")
def session_long_imports(clock: VendorClock) -> Iterator[Sandbox]:
    """A sandbox whose imports take ten minutes of ``clock``. Use ``long_imports``."""
    with Sandbox(run_seconds=600, clock=clock).in_thread() as sandbox:
        yield sandbox


@pytest.fixture
def long_imports(
    request: pytest.FixtureRequest,
    session_long_imports: Sandbox,
    clock: VendorClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """A sandbox whose imports do not end while a test looks, unless it moves ``clock``."""
    suite: type[Suite] = request.cls
    session_long_imports.reset()
    session_long_imports.change_settings(**{suite.vendor(): suite.settings})
    clock.be_true()
    hurry(session_long_imports, suite, monkeypatch, "127.0.0.1", {"timeout": TIMEOUT})
    return session_long_imports


def hurry(
    sandbox: Sandbox, suite: type[Suite], monkeypatch: pytest.MonkeyPatch, host: str, more: dict[str, Any]
) -> None:
    """
    Let all connections lead to a sandbox, and all waits of ours be short.

    :param host: by which the sandbox is called
    :param more: extra fields
    """
    for name, value in sandbox.connection_env().items():
        connection = json.loads(value)
        extra = connection.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        connection["extra"] = {**extra, "requests_per_minute": 100_000, **more}
        connection["host"] = connection["host"].replace("127.0.0.1", host)
        monkeypatch.setenv(name, json.dumps(connection))
    hook = suite.hook_class()
    monkeypatch.setattr("airflow_provider_imports.http.retry.FIRST_BACKOFF", 0.1)
    monkeypatch.setattr("airflow_provider_imports.http.retry.LONGEST_BACKOFF", 0.1)
    monkeypatch.setattr("airflow_provider_imports.http.retry.LONGEST_ASKED_WAIT", 0.2)
    monkeypatch.setattr("airflow_provider_imports.operators.unclear_start.FIND_OUT_INTERVAL", 0.05)
    monkeypatch.setattr(hook, "longest_start", 0.2)
    monkeypatch.setattr(hook, "rate_limit_wait", lambda self, answer, now: 0.1)
    for place, short in suite.quick.items():
        monkeypatch.setattr(place, short)


@pytest.fixture
def live(
    request: pytest.FixtureRequest, make_context: Callable[..., dict[str, Any]], tmp_path: Path
) -> Callable[..., TaskLife]:
    """Lead the life of a task that starts an import, or waits for one that was just started."""
    suite: type[Suite] = request.cls

    def lead(case: Case, sandbox: Sandbox, **options: Any) -> TaskLife:
        if not case.waits:
            options.pop("deferrable", None)
        if isinstance(case, Wait):
            run = suite.starts[0].begin(tmp_path, make_context(task_state_store=None))
            options = {**case.parameters(run), **options}
            sandbox.clear_journal()
        return TaskLife(lambda: case.make(tmp_path, **options), make_context)

    return lead

"""The sandbox, the ways to it, its connections and waits, quick enough for a thousand cells."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox.middlewares import sandbox_app
from tests.faults.cases import CUSTOMERS
from tests.faults.matrix import CONNECT, DIRECT, ProxyFault
from tests.faults.task_life import TOO_LONG, TaskLife
from tests.http.conftest import server_tls, tls_files  # noqa: F401  # fixtures
from tests.http.proxy import HOST, ProxyServer
from tests.vendor_clock import VendorClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp import web

    from tests.faults.cases import Case

WITHOUT_LIMITS = {
    "pigment": {"requests_per_window": None, "pushes_per_hour": None},
    "rocketchat": {"calls_per_window": None, "pending_files": 30, "broken_files": 1},
    "bloomreach": {"source": str(CUSTOMERS)},
    "blueshift": {"source": str(CUSTOMERS)},
}
#: Seconds that the connections wait for an answer; a timeout fault holds it longer.
TIMEOUT = 0.3
#: The same where each byte passes through threads of this process twice.
TIMEOUT_THROUGH_A_PROXY = 0.7
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
    """The time of all sandboxes here."""
    return VendorClock()


@pytest.fixture(scope="session")
def sandboxes(clock: VendorClock, server_tls: ssl.SSLContext) -> Iterator[dict[bool, WatchedSandbox]]:  # noqa: F811
    """One that speaks plain HTTP (False), and one that speaks TLS."""
    with (
        WatchedSandbox(clock=clock).in_thread() as plain,
        WatchedSandbox(clock=clock, ssl_context=server_tls).in_thread() as secure,
    ):
        yield {False: plain, True: secure}


@pytest.fixture
def reach(
    sandboxes: dict[bool, WatchedSandbox],
    clock: VendorClock,
    monkeypatch: pytest.MonkeyPatch,
    tls_files: Path,  # noqa: F811
) -> Iterator[Callable[[str], Road]]:
    """``reach(way)``: connections that lead to a sandbox that way, with quick imports, and that give up soon."""
    with ExitStack() as stack:

        def lead(way: str = DIRECT) -> Road:
            sandbox = sandboxes[way == CONNECT]
            sandbox.calm_down()
            clock.be_true()
            sandbox.change_settings(run_seconds=0.1, **WITHOUT_LIMITS)
            more: dict[str, Any] = {"timeout": TIMEOUT}
            proxy = None
            if way != DIRECT:
                proxy = stack.enter_context(ProxyServer())
                more = {
                    "timeout": TIMEOUT_THROUGH_A_PROXY,
                    "proxies": {"http": proxy.url, "https": proxy.url},
                    "allow_http": True,
                    "verify": str(tls_files / "cert.pem"),
                }
            hurry(sandbox, monkeypatch, HOST if proxy else "127.0.0.1", more)
            return Road(sandbox, clock, proxy)

        yield lead


@pytest.fixture(scope="session")
def session_long_imports(clock: VendorClock) -> Iterator[Any]:
    """A sandbox whose imports take ten minutes of ``clock``. Use ``long_imports``."""
    with Sandbox(run_seconds=600, clock=clock).in_thread() as sandbox:
        sandbox.change_settings(**WITHOUT_LIMITS)
        yield sandbox


@pytest.fixture
def long_imports(session_long_imports: Any, clock: VendorClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sandbox whose imports do not end while a test looks, unless it moves ``clock``."""
    session_long_imports.reset()
    clock.be_true()
    hurry(session_long_imports, monkeypatch, "127.0.0.1", {"timeout": TIMEOUT})
    return session_long_imports


def hurry(sandbox: Any, monkeypatch: pytest.MonkeyPatch, host: str, more: dict[str, Any]) -> None:
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
    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.hooks.rocketchat import calls as rocketchat_calls
    from airflow_provider_imports.http import retry
    from airflow_provider_imports.operators import unclear_start

    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.1)
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 0.1)
    monkeypatch.setattr(retry, "LONGEST_ASKED_WAIT", 0.2)
    monkeypatch.setattr(rocketchat_calls, "LOOK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(unclear_start, "FIND_OUT_INTERVAL", 0.05)
    monkeypatch.setattr(ImportHook, "longest_start", 0.2)
    for hook in (ImportHook, PigmentHook):
        monkeypatch.setattr(hook, "rate_limit_wait", lambda self, answer, now: 0.1)


@pytest.fixture(autouse=True)
def in_bounded_time() -> Iterator[None]:
    """No test here may hang."""

    def too_long(*_: Any) -> None:
        raise TimeoutError("the cell takes too long")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TOO_LONG)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def live(make_context: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., TaskLife]:
    """Lead the life of a task that starts an import, or waits for one that was just started."""

    def lead(case: Case, sandbox: Sandbox, **options: Any) -> TaskLife:
        if not case.waits:
            options.pop("deferrable", None)
        if case.awaits is not None:
            options |= case.awaits()
            sandbox.clear_journal()
        return TaskLife(lambda: case.make(tmp_path, **options), make_context)

    return lead

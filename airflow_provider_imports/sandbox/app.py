"""The sandbox itself: all vendors, one port, a journal, and a loop of its own or the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import threading
import time
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airflow_provider_imports.installed import installed
from airflow_provider_imports.sandbox.faults import REFUSE, Fault, Faults
from airflow_provider_imports.sandbox.journal import Entry, Journal
from airflow_provider_imports.sandbox.middlewares import sandbox_app
from airflow_provider_imports.sandbox.options import change_settings
from airflow_provider_imports.sandbox.server import Port
from airflow_provider_imports.sandbox.stand_in import UNROUTED, SharedSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_imports.sandbox.progress import Clock
    from airflow_provider_imports.sandbox.stand_in import StandIn

log = logging.getLogger(__name__)
T = TypeVar("T")


def stand_ins() -> tuple[type[StandIn], ...]:
    """Return the stand-in of every installed vendor; one that can't be loaded is no reason not to serve the others."""
    found: list[type[StandIn]] = []
    for entry in installed().entries.values():
        try:
            found.append(resolve_name(entry.stand_in))
        except Exception:  # whatever a module that somebody else wrote raises
            log.exception("%s of the distribution %s can't be loaded", entry.stand_in, entry.distribution)
    return tuple(found)


class Sandbox:
    """
    Local stand-ins for the vendors.

    Use it as ``async with Sandbox() as sandbox:`` in the running event loop, or as
    ``with Sandbox().in_thread() as sandbox:`` from synchronous code. Once it runs, every method and attribute
    may be used from any thread.

    :param port: port to listen on, 0 for any free one.
    :param host: loopback address; others are refused.
    :param run_seconds: how long an import takes, 0 for "at once".
    :param rows_per_second: if set, an import takes ``rows / rows_per_second`` seconds instead.
    :param any_id: take any id that you have at a vendor, too; else only those that the sandbox knows.
    :param settings: more settings, as ``{vendor: {setting: value}}``; see :meth:`change_settings`.
    :param ssl_context: serve HTTPS with it.
    :param clock: what time it is at the vendors, in seconds since the epoch.
    :raises ValueError: the host is not loopback, or a setting does not exist.
    """

    def __init__(
        self,
        port: int = 0,
        run_seconds: float = 1.0,
        *,
        host: str = "127.0.0.1",
        rows_per_second: float | None = None,
        any_id: bool = False,
        settings: Mapping[str, Any] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._shared = SharedSettings(float(run_seconds), rows_per_second, any_id)
        self.vendors: dict[str, Any] = {vendor.name: vendor(clock, self._shared) for vendor in stand_ins()}
        self._journal = Journal()
        operations = {name: {UNROUTED, *vendor.operation_names} for name, vendor in self.vendors.items()}
        self._faults = Faults(operations, clock)
        self._port = Port(host, port, ssl_context)
        self._secure = ssl_context is not None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.change_settings(**(settings or {}))

    # Running

    async def start(self) -> None:
        """Start in the running event loop."""
        self._loop = asyncio.get_running_loop()
        await self._port.start(sandbox_app(self, self._journal, self._faults, self._port.refuse))

    async def stop(self) -> None:
        """Stop at once, whatever is under way."""
        self._faults.forget()
        await self._port.stop()
        self._loop = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Run in a thread with an event loop of its own until the context ends."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _in_loop(self, action: Callable[[], T]) -> T:
        """Do something where the requests are answered, so that it never happens in the middle of one."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if self._loop is None or self._loop is running:
            return action()

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    # Where it is

    @property
    def port(self) -> int:
        """The port; known once the sandbox runs."""
        return self._port.number

    @property
    def url(self) -> str:
        """Base URL of all vendors, without a slash at its end."""
        host = f"[{self._port.host}]" if ":" in self._port.host else self._port.host
        return f"{'https' if self._secure else 'http'}://{host}:{self.port}"

    def connection(self, vendor: str) -> dict[str, Any]:
        """Return what an Airflow connection to a vendor needs; ``extra`` as a dict."""
        stand_in: StandIn = self.vendors[vendor]
        extra = {**stand_in.connection_extra, **({"verify": False} if self._secure else {})}
        return {
            "conn_type": vendor,
            "host": f"{self.url}/{vendor}",
            "login": stand_in.connection_login,
            "password": stand_in.connection_password,
            "extra": extra,
        }

    def connection_env(self) -> dict[str, str]:
        """Return the environment variables that define the default connections, and others, in Airflow."""
        env = {}
        for name, vendor in self.vendors.items():
            connection = self.connection(name)
            env[f"AIRFLOW_CONN_{name.upper()}_DEFAULT"] = json.dumps(connection)
            for conn_id, password in vendor.more_connections.items():
                env[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps({**connection, "password": password})
        return env

    # What it has seen, and what it shall do

    @property
    def journal(self) -> list[Entry]:
        """Copies of all journal entries, in order of arrival."""
        return self._journal.entries()

    def entries(self, vendor: str | None = None, operation: str | None = None) -> list[Entry]:
        """Return copies of the journal entries of a vendor, an operation, or both."""
        return self._journal.entries(vendor, operation)

    def clear_journal(self) -> None:
        """Forget all journal entries."""
        self._journal.clear()

    def add_fault(self, fault: str, **options: Any) -> None:
        """
        Let the next matching requests go wrong; options as in
        :class:`~airflow_provider_imports.sandbox.Fault`.

        :raises ValueError: unknown fault, option, vendor or operation.
        """
        wanted = Fault.from_options({"fault": fault, **options})
        self._in_loop(lambda: self._add_fault(wanted))

    def _add_fault(self, fault: Fault) -> None:
        if fault.fault == REFUSE and fault.after_operation is None:
            self._port.refuse(fault.seconds)
        else:
            self._faults.add(fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that still wait for requests."""
        return self._in_loop(self._faults.waiting)

    def clear_faults(self) -> None:
        """Remove all faults, and open the port again if it was closed."""
        self._in_loop(self._clear_faults)

    def _clear_faults(self) -> None:
        self._faults.clear()
        self._port.open()

    def wait_for_late_acts(self) -> None:
        """
        Return when the vendors have done all that the fault ``late`` lets them do late.

        Not to be called in the sandbox's own event loop, which would stand still.
        """
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._faults.late_acts(), self._loop).result()

    def reset(self) -> None:
        """Forget what happened: vendors' state, journal and faults. Settings stay."""
        self._in_loop(self._reset)

    def _reset(self) -> None:
        self._faults.forget()
        self._port.open()
        self._journal.clear()
        for vendor in self.vendors.values():
            vendor.forget()

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        own = {name: dataclasses.asdict(vendor.settings) for name, vendor in self.vendors.items()}
        return {**dataclasses.asdict(self._shared), **own}

    def change_settings(self, **changes: Any) -> None:
        """
        Change settings, for instance ``change_settings(run_seconds=0, pigment={"pushes_per_hour": 3})``.

        Running imports keep their duration.

        :raises ValueError: unknown setting or wrong type; nothing was changed then.
        """
        own = {name: vendor.settings for name, vendor in self.vendors.items()}
        self._in_loop(lambda: change_settings(self._shared, own, changes))

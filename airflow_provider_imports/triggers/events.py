"""An event trigger for asset watchers: an import that anybody started at a vendor has ended (Airflow 3.0+)."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_imports.exceptions import VendorAuthError, VendorImportError
from airflow_provider_imports.installed import installed, installed_entry
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.triggers.end_memory import EndMemory, Store
from airflow_provider_imports.triggers.imports import load_hook
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

#: The longest pause (seconds) between two looks while they fail, unless ``poll_interval`` is longer.
LONGEST_PAUSE = 900.0
#: Seconds after which the connection is looked up again: a watcher lives for months.
RENEWAL = 3600.0
#: Looks differ by this share of the interval, so that watchers do not look together for ever.
JITTER_SHARE = 0.1


class ImportEndedTrigger(BaseEventTrigger):
    """
    Fire once for each import that ends at a vendor, whoever started it; for an ``AssetWatcher``.

    It only reads: it starts and cancels nothing, also when a consuming DAG is paused. The event's payload is the
    manifest, the same as that of a task. What had ended before the first look does not fire. A vendor shows the
    newest import of a slot only, so of two that end between two looks, the second one fires.

    Airflow 3.3 remembers over restarts of the triggerer which ends have fired. On 3.0-3.2 an import that ends while
    no triggerer runs does not fire.

    :param name: what to remember it under; give the trigger of each asset a name of its own
    :param vendor: the connection type: ``websale``, ``rocketchat``, or one that another distribution brings
    :param slot: where to look: ``{"service": "order"}`` at WEBSALE; nothing at Rocket.Chat, where a workspace has one
        operation
    :param conn_id: the Airflow connection (default: ``<vendor>_default``)
    :param poll_interval: seconds between two looks; longer while they fail
    :raises TypeError: if it can't be watched so: when the DAG file is parsed
    :raises RuntimeError: on Airflow 2, whose assets have no watchers
    """

    def __init__(
        self,
        *,
        name: str,
        vendor: str,
        slot: Mapping[str, str] | None = None,
        conn_id: str | None = None,
        poll_interval: float = 60.0,
    ) -> None:
        if not AIRFLOW_V_3_0_PLUS:
            raise RuntimeError(
                f"ImportEndedTrigger needs Airflow 3.0 or newer, whose assets have watchers; this is Airflow "
                f"{AIRFLOW_VERSION}. Nothing is watched. Wait for the import with a sensor in a scheduled DAG instead."
            )
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = name
        self._vendor = vendor
        self._slot = dict(slot or {})
        self._conn_id = conn_id or f"{vendor}_default"
        self._poll_interval = poll_interval
        self._check()

    def _check(self) -> None:
        """A triggerer outlives only a TypeError of a constructor."""
        names = installed_entry(self._vendor).slot
        if names is None:
            watchable = [vendor for vendor, entry in installed().entries.items() if entry.slot is not None]
            raise TypeError(
                f"vendor={self._vendor!r}: only {' and '.join(watchable)} show an import that others started"
            )
        if set(self._slot) != set(names) or not all(isinstance(one, str) and one for one in self._slot.values()):
            expected = "{" + ", ".join(f'"{one}": "..."' for one in names) + "}"
            raise TypeError(f"slot={self._slot!r}: should be {expected} for {self._vendor}")
        if not isinstance(self._name, str) or not self._name:
            raise TypeError(f"name={self._name!r}: should be a text that no other trigger has")
        interval: object = self._poll_interval
        if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < float("inf"):
            raise TypeError(f"poll_interval={interval!r}: should be a positive number of seconds")

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments: the same at each parse, so that the trigger stays the same."""
        arguments = {
            "name": self._name,
            "vendor": self._vendor,
            "slot": self._slot,
            "conn_id": self._conn_id,
            "poll_interval": self._poll_interval,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look on and on; it never ends, since Airflow would start it again every two seconds."""
        place = json.dumps([self._vendor, self._conn_id, self._slot], sort_keys=True)
        store = Store(getattr(self, "asset_state_store", None), f"airflow_provider_imports.{self._name}")
        memory = EndMemory(store, place)
        failures = 0
        while True:
            try:
                async with aclosing(self._ends(memory)) as ends:
                    async for end in ends:
                        failures = 0
                        yield TriggerEvent(end)  # type: ignore[no-untyped-call]
                failures = 0
            except Exception as error:  # Airflow's API server is away, or a fault of ours: neither may end the watch
                failures += 1
                pause = self._pause(failures)
                self.log.warning(
                    "Ends of %s imports can't be watched; tried again in %.0f s", self._vendor, pause, exc_info=error
                )
                await asyncio.sleep(pause)

    async def _ends(self, memory: EndMemory) -> AsyncGenerator[dict[str, Any]]:
        """Yield the manifest of each end, for an hour; longer while a log-in is refused, which must not be repeated."""
        entry = installed_entry(self._vendor)
        hook_class = await load_hook(entry.hook)
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with hook_class.shared(self._conn_id) as hook:
            failures, refused = 0, False
            while refused or loop.time() - began < RENEWAL:
                max_age = min(self._poll_interval, loop.time() - began)  # what was asked for before may be outdated
                try:
                    newest = await hook.arun_flow(hook.newest_flow(self._slot), max_age=max_age)
                except VendorImportError as error:
                    failures, refused = failures + 1, isinstance(error, VendorAuthError)
                    pause = max(self._pause(failures), error.retry_after or 0.0)
                    self.log.warning(
                        "The newest %s import is not readable, looked at again in %.0f s: %s",
                        entry.vendor_name,
                        pause,
                        error,
                    )
                else:
                    if failures:
                        self.log.info("The newest %s import is readable again", entry.vendor_name)
                    failures, refused = 0, False
                    payload = None if newest is None else manifest(newest.run, newest.status)
                    if await memory.is_news(newest) and newest is not None and payload is not None:
                        self.log.info("%s import (%s) has ended: %s", entry.vendor_name, newest.run, newest.status)
                        yield payload
                    pause = self._pause(0)
                await asyncio.sleep(pause)

    def _pause(self, failures: int) -> float:
        """Seconds until the next look: twice as long after each failure in a row."""
        longest = max(LONGEST_PAUSE, self._poll_interval)
        pause = min(self._poll_interval * 2.0 ** min(failures, 30), longest)
        return pause * (1 + JITTER_SHARE * (2 * random.random() - 1))

"""
What the sandbox remembers of every request: enough to prove what a client did, never a header, body or
secret.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Entry:
    """
    One received request.

    :param n: number of the request, from 1, over all vendors.
    :param at: when its headers arrived, in seconds since the epoch.
    :param vendor: name of the vendor.
    :param operation: the vendor's call, ``unrouted`` for a path or method that the vendor does not have.
    :param method: HTTP method.
    :param path: path and query, without the vendor's prefix.
    :param status: HTTP status that was answered; ``None`` while, or if, there was no answer.
    :param acted: whether the vendor did what was asked: an import started, users staged, a cancel took
        effect.
    :param fault: name of the fault that was applied.
    :param run: the vendor's id of the import concerned.
    :param bytes: size of the body that was received.
    :param acted_at: when the vendor acted, in seconds since the epoch.
    """

    n: int
    at: float
    vendor: str
    operation: str
    method: str
    path: str
    status: int | None = None
    acted: bool = False
    fault: str | None = None
    run: str | None = None
    bytes: int = 0
    acted_at: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as the control endpoint shows it."""
        return dataclasses.asdict(self)


# aiohttp before 3.14 has no RequestKey, and takes any key.
request_key: Any = getattr(web, "RequestKey", web.AppKey)
ENTRY: web.RequestKey[Entry] = request_key("entry", Entry)
"""The entry of a request, as in ``request[ENTRY]``."""


class Journal:
    """The list of all entries. Safe to read from any thread: readers get copies."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def open(self, vendor: str, operation: str, method: str, path: str) -> Entry:
        """Begin the entry of a request that has just arrived."""
        with self._lock:
            entry = Entry(len(self._entries) + 1, time.time(), vendor, operation, method, path)
            self._entries.append(entry)
            return entry

    def entries(self, vendor: str | None = None, operation: str | None = None) -> list[Entry]:
        """Return copies of the entries, in order of arrival."""
        with self._lock:
            return [
                dataclasses.replace(entry)
                for entry in self._entries
                if vendor in (None, entry.vendor) and operation in (None, entry.operation)
            ]

    def clear(self) -> None:
        """Forget all entries; numbers begin at 1 again."""
        with self._lock:
            self._entries.clear()


def concerns(request: web.Request, run: str) -> None:
    """Record which import a request is about."""
    request[ENTRY].run = run


def acted(request: web.Request, run: str | None = None) -> None:
    """Record that the vendor did what was asked, for the import ``run``."""
    entry = request[ENTRY]
    entry.acted, entry.acted_at = True, time.time()
    if run is not None:
        concerns(request, run)

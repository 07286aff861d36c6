"""A made-up vendor that runs, and an Airflow connection that leads to it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.hostile.calls import MadeUpVendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_imports.hooks.base import ImportHook

#: What each vendor's connection needs beside login and password.
EXTRA = {"bloomreach": {"project_token": "a-project"}}


@contextmanager
def made_up_vendor() -> Iterator[MadeUpVendor]:
    """Run one on a loopback port."""
    vendor = MadeUpVendor()
    with vendor.server:
        yield vendor


@contextmanager
def connection_of(kind: type[ImportHook], vendor: MadeUpVendor, **credentials: str) -> Iterator[str]:
    """An Airflow connection of a vendor's type."""
    conn_id = f"made_up_{kind.conn_type}"
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    extra = {"requests_per_minute": 1_000_000, **EXTRA.get(kind.conn_type, {})}
    fields = {"conn_type": kind.conn_type, "host": vendor.server.url, "extra": extra, **credentials}
    os.environ[name] = json.dumps(fields)
    try:
        yield conn_id
    finally:
        del os.environ[name]

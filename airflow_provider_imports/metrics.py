"""
What operations people count, through Airflow's own metrics: nothing where those are off.

The names are listed in ``docs/metrics.rst``. Airflow's module is imported with the first count, not when a DAG file is
parsed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

#: What is counted, one for each time that it happens.
Metric = Literal[
    "imports.started", "imports.reattached", "imports.unknown_outcome", "imports.slot_busy", "imports.rate_limited"
]


def count(metric: Metric, vendor: str | None) -> None:
    """Count one."""
    from airflow.providers.common.compat.sdk import Stats

    Stats.incr(metric, tags=_tags(vendor))


def rate_limited(vendor: str | None, seconds: float) -> None:
    """Count a vendor's "too many requests", and the wait that it asks for."""
    from airflow.providers.common.compat.sdk import Stats

    count("imports.rate_limited", vendor)
    Stats.timing("imports.rate_limit_wait", timedelta(seconds=seconds), tags=_tags(vendor))


def ended(vendor: str, outcome: str, rejected: int | None, seconds: float | None) -> None:
    """
    Count the end of a wait.

    :param outcome: how it ended
    :param rejected: rows that did not get in; None if the vendor does not say
    :param seconds: since the start; None if somebody else started it
    """
    from airflow.providers.common.compat.sdk import Stats

    tags = {**_tags(vendor), "outcome": outcome}
    Stats.incr("imports.ended", tags=tags)
    if rejected:
        Stats.incr("imports.rows_rejected", rejected, tags=_tags(vendor))
    if seconds is not None:
        Stats.timing("imports.wait_time", timedelta(seconds=seconds), tags=tags)


def _tags(vendor: str | None) -> dict[str, str]:
    return {"vendor": vendor or "unknown"}

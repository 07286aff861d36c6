"""
The vendors that are installed: each distribution hands its own over as an entry point of the group :data:`GROUP`.

The entry point's name is the connection type, its object a :class:`~airflow_provider_imports.vendors.VendorEntry`. What
can't be used is left out, and is no reason for another vendor not to work.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from airflow_provider_imports.vendors import VendorEntry, VendorEntryError

log = logging.getLogger(__name__)

GROUP = "airflow_provider_imports.vendors"


class Installed(NamedTuple):
    """
    What is installed, by connection type.

    :param problems: the vendors that can't be used, and why
    """

    entries: dict[str, VendorEntry]
    problems: dict[str, VendorEntryError]


@cache
def installed() -> Installed:
    """Read every vendor's entry, once in a process: looking through all distributions takes a tenth of a second."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    seen = Installed({}, {})
    for conn_type, points in sorted(found.items()):
        try:
            seen.entries[conn_type] = _read(points)
        except VendorEntryError as error:
            log.error("The vendor %r is left out: %s", conn_type, error)
            seen.problems[conn_type] = error
    return seen


def installed_entry(conn_type: str) -> VendorEntry:
    """
    The entry of one vendor.

    :raises VendorEntryError: if there is none that can be used
    """
    seen = installed()
    if conn_type in seen.problems:
        raise seen.problems[conn_type].with_traceback(None)
    if conn_type not in seen.entries:
        raise VendorEntryError(f"There is no vendor {conn_type!r}; installed are {', '.join(seen.entries)}.")
    return seen.entries[conn_type]


def _read(points: list[EntryPoint]) -> VendorEntry:
    names = sorted(_distribution(point) for point in points)
    if len(points) > 1:
        raise VendorEntryError(
            f"The distributions {' and '.join(names)} both bring a vendor {points[0].name!r}. Uninstall one of them."
        )
    (point,), (name,) = points, names
    try:
        entry = point.load()
    except Exception as error:  # whatever a module that somebody else wrote raises
        raise VendorEntryError(
            f"{point.value}, the vendor {point.name!r} of the distribution {name}, can't be loaded "
            f"({type(error).__name__}: {error})."
        ) from error
    if not isinstance(entry, VendorEntry):
        raise VendorEntryError(
            f"{point.value} of the distribution {name} is no VendorEntry but {type(entry).__name__}."
        )
    entry.check()
    if entry.conn_type != point.name:
        raise VendorEntryError(
            f"The distribution {name} calls a vendor {point.name!r} whose entry says {entry.conn_type!r}; name the "
            "entry point like the connection type."
        )
    return entry


def _distribution(point: EntryPoint) -> str:
    return "of an unknown name" if point.dist is None else point.dist.name

"""Whether an ended import's counts are acceptable, and what is odd about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_imports.counts import counted, unaccounted, were

if TYPE_CHECKING:
    from airflow_provider_imports.models import Counts, ImportStatus, Sent


class Limits(NamedTuple):
    """
    What a user accepts of an import that ended well.

    :param max_rejected: None: any number, with a warning; int: rows; float: share of all rows
    :param max_auto_created: None: any number, with a warning; int: items of dimensions
    :param min_rows: None: any number, with a warning if there was none; int: rows that must have got in
    """

    max_rejected: int | float | None = None
    max_auto_created: int | None = None
    min_rows: int | None = None


def judge(status: ImportStatus, limits: Limits) -> tuple[str, str] | None:
    """
    Say why what an ended import did is not acceptable; None if it is.

    :return: why, and what to do about it
    """
    if problem := judge_rejected(status.counts, limits.max_rejected):
        return problem, "allow more with max_rejected"
    if problem := judge_auto_created(status, limits.max_auto_created):
        return problem, "allow more with max_auto_created"
    if problem := judge_arrived(status.counts, limits.min_rows):
        return problem, "allow fewer with min_rows"
    return None


def oddities(status: ImportStatus, sent: Sent | None) -> list[str]:
    """What deserves a warning although it is accepted: no row at all, or another number than was sent."""
    found = []
    if status.counts.arrived == 0 and not status.counts.rejected:
        found.append("the vendor counted no row at all; min_rows=1 makes that an error")
    difference = unaccounted(status.counts, sent)
    if sent is not None and difference:
        more = "more" if difference < 0 else "fewer"
        taken = counted(status.counts.rows or 0, "row")
        found.append(f"{sent} sent, and the vendor counted {taken}: {abs(difference):,} {more} than its counts explain")
    return found


def judge_arrived(counts: Counts, min_rows: int | None) -> str | None:
    """
    Say why it is not acceptable how many rows got in; None if it is.

    :param min_rows: None: any number; int: rows
    """
    if min_rows is None:
        return None
    if counts.arrived is None:
        return f"the vendor reported no count of rows, so min_rows={min_rows} can't be checked"
    return f"only {counted(counts.arrived, 'row')} got in, min_rows={min_rows}" if counts.arrived < min_rows else None


def judge_rejected(counts: Counts, max_rejected: int | float | None) -> str | None:
    """
    Say why the counts of an ended import are not acceptable; None if they are.

    :param max_rejected: None: any number; int: rows; float: share of all rows (0.05 is five percent)
    """
    rejected, rows = counts.rejected, counts.rows or 0
    if rejected and rejected >= rows:
        return f"every row was rejected ({rejected:,} of {rows:,})"
    if max_rejected is None:
        return None
    if rejected is None:
        return f"the vendor reported no count of rejected rows, so max_rejected={max_rejected} cannot be checked"
    if isinstance(max_rejected, int):
        told = f"{were(rejected, 'row')} rejected"
        return f"{told}, max_rejected={max_rejected}" if rejected > max_rejected else None
    if rejected > max_rejected * rows:
        return f"{rejected:,} of {rows:,} rows were rejected ({rejected / rows:.1%}), max_rejected={max_rejected:.1%}"
    return None


def judge_auto_created(status: ImportStatus, max_auto_created: int | None) -> str | None:
    """
    Say why it is not acceptable what an ended import created by itself; None if it is.

    :param max_auto_created: None: any number; int: items of dimensions
    """
    created = status.auto_created
    if max_auto_created is None:
        return None
    if created is None:
        return f"the vendor reported no count of created items, so max_auto_created={max_auto_created} can't be checked"
    told = "1 item of a dimension was" if created == 1 else f"{created:,} items of dimensions were"
    return f"{told} created, max_auto_created={max_auto_created}" if created > max_auto_created else None

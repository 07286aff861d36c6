"""Rows, as a vendor counted them and as they were sent; for :mod:`airflow_provider_imports.models`."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_imports.json_values import object_from_json


def counted(number: int, what: str) -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def were(number: int, what: str) -> str:
    """``1 row was``, ``1,200 rows were``."""
    return f"{counted(number, what)} {'was' if number == 1 else 'were'}"


class Counts(NamedTuple):
    """Rows as the vendor counted them. ``None`` means "not reported" and is never guessed."""

    processed: int | None = None
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    skipped: int | None = None
    failed: int | None = None
    total: int | None = None

    @property
    def rejected(self) -> int | None:
        """Rows that did not get in: skipped + failed; None if the vendor reports neither."""
        return _sum_known(self.skipped, self.failed)

    @property
    def rows(self) -> int | None:
        """
        All rows of the import, as far as the vendor's counts tell; the base of a share of rejected rows.

        What was deleted is what was there before ("clear items prior to import"), so it is no row of this import.
        """
        if self.total is not None:
            return self.total
        if self.processed is not None:
            return self.processed
        return _sum_known(self.inserted, self.updated, self.skipped, self.failed)

    @property
    def arrived(self) -> int | None:
        """Rows that got in: inserted + updated, or processed without those rejected; None if neither is reported."""
        if self.inserted is not None or self.updated is not None:
            return _sum_known(self.inserted, self.updated)
        return None if self.processed is None else max(0, self.processed - (self.rejected or 0))

    def __str__(self) -> str:
        """``3 inserted, 1 skipped``: only what is known."""
        known = (f"{value:,} {name}" for name, value in self._asdict().items() if value is not None)
        return ", ".join(known) or "no counts reported"

    def to_json(self) -> dict[str, int | None]:
        """All seven counts by name."""
        return self._asdict()

    @classmethod
    def from_json(cls, value: object) -> Counts:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = object_from_json(value, "counts")
        known = {name: data.get(name) for name in cls._fields}  # a newer version may count more
        if not all(_is_count(one) for one in known.values()):
            raise ValueError(f"not counts of an import: {value!r}")
        return cls(**known)


class Sent(NamedTuple):
    """
    What was sent, as far as it is known: to be compared with what the vendor counted.

    :param rows: rows of a query, records of a list, users; None for a file or a text, whose rows nobody counts
    :param bytes: of the request's body; None where it went in several calls
    """

    rows: int | None = None
    bytes: int | None = None

    def __str__(self) -> str:
        """``3 rows, 120 bytes``: only what is known."""
        known = ((self.rows, "row"), (self.bytes, "byte"))
        return ", ".join(counted(n, word) for n, word in known if n is not None) or "unknown"

    def to_json(self) -> dict[str, int | None]:
        """Both by name."""
        return self._asdict()

    @classmethod
    def from_json(cls, value: object) -> Sent:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = object_from_json(value, "account of what was sent")
        if not set(data) <= {"rows", "bytes"} or not all(_is_count(one) for one in data.values()):
            raise ValueError(f"not an account of what was sent: {value!r}")
        return cls(**data)


def unaccounted(counts: Counts, sent: Sent | None) -> int | None:
    """Rows that were sent minus rows that the vendor counted, in whatever way; None if either is not known."""
    if sent is None or sent.rows is None or counts.rows is None:
        return None
    return sent.rows - counts.rows


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _sum_known(*values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

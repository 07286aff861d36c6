"""
Plain values that travel between the layers.

No I/O, no clock, no Airflow import. Every value that crosses a process (XCom, trigger arguments and events, the
task's state store) goes through ``to_json`` and ``from_json``; ``from_json`` raises :class:`ValueError` on
anything that these classes did not write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class ImportState(StrEnum):
    """Where an import stands, the same words for every vendor."""

    ACCEPTED = "accepted"  #: taken by a vendor that publishes no status of a run
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """True if the vendor will not change this state any more."""
        return self in _TERMINAL


#: More rows than this are no count: a share of them could not be computed.
MOST_ROWS = 2**63 - 1
_TERMINAL = frozenset({ImportState.SUCCEEDED, ImportState.FAILED, ImportState.CANCELED})


@dataclass(frozen=True, slots=True)
class Counts:
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

    def __str__(self) -> str:
        """``3 inserted, 1 skipped``: only what is known."""
        known = (f"{value:,} {name}" for name, value in asdict(self).items() if value is not None)
        return ", ".join(known) or "no counts reported"

    def to_json(self) -> dict[str, int | None]:
        """All seven counts by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Counts:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = _mapping(value, "counts")
        names = {one.name for one in fields(cls)}
        if not set(data) <= names or not all(_is_count(one) for one in data.values()):
            raise ValueError(f"not counts of an import: {value!r}")
        return cls(**data)


@dataclass(frozen=True, slots=True)
class ImportRun:
    """
    Whom we wait for.

    :param vendor: ``pigment``, ``websale``, ...
    :param key: what identifies *this* run at the vendor, for instance ``{"import_id": "..."}``
    :param started_at: when we started it, by our clock; None if somebody else did
    :param url: its page in the vendor's own UI, where the address is known
    :param remark: what people should know about how it was started, if there is something
    """

    vendor: str
    key: Mapping[str, str]
    started_at: datetime | None = None
    url: str | None = None
    remark: str | None = None

    def __str__(self) -> str:
        """``import_id=…``: the vendor's own identifiers."""
        return ", ".join(f"{name}={value}" for name, value in self.key.items())

    def to_json(self) -> dict[str, Any]:
        """JSON object with ``vendor``, ``key``, ``started_at`` (ISO 8601 or None), ``url`` and ``remark``."""
        return {
            "vendor": self.vendor,
            "key": dict(self.key),
            "started_at": _time_to_json(self.started_at),
            "url": self.url,
            "remark": self.remark,
        }

    @classmethod
    def from_json(cls, value: object) -> ImportRun:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = _mapping(value, "import run")
        vendor, key, url, remark = (data.get(name) for name in ("vendor", "key", "url", "remark"))
        if not isinstance(vendor, str) or not isinstance(key, Mapping):
            raise ValueError(f"not an import run: {value!r}")
        if not all(text is None or isinstance(text, str) for text in (url, remark)):
            raise ValueError(f"not an import run: {value!r}")
        if not all(isinstance(one, str) for pair in key.items() for one in pair):
            raise ValueError(f"not an import run: {value!r}")
        return cls(vendor, key, _time_from_json(data.get("started_at")), url, remark)


@dataclass(frozen=True, slots=True)
class ImportStatus:
    """
    One answer of the vendor about a run.

    :param state: our word for it
    :param vendor_status: the vendor's own word or number
    :param progress: 0-100, or None
    :param counts: rows as the vendor counted them
    :param message: what the vendor says in words
    :param errors: error details and rejected rows, a bounded number of lines
    :param started_at: by the vendor's clock
    :param finished_at: by the vendor's clock
    """

    state: ImportState
    vendor_status: str
    progress: float | None = None
    counts: Counts = field(default_factory=Counts)
    message: str | None = None
    errors: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON object with one key a field; times as ISO 8601."""
        return {
            "state": str(self.state),
            "vendor_status": self.vendor_status,
            "progress": self.progress,
            "counts": self.counts.to_json(),
            "message": self.message,
            "errors": list(self.errors),
            "started_at": _time_to_json(self.started_at),
            "finished_at": _time_to_json(self.finished_at),
        }

    @classmethod
    def from_json(cls, value: object) -> ImportStatus:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = _mapping(value, "import status")
        try:
            return cls(
                state=ImportState(data["state"]),
                vendor_status=text_from_json(data["vendor_status"]),
                progress=None if data["progress"] is None else number_from_json(data["progress"]),
                counts=Counts.from_json(data["counts"]),
                message=None if data["message"] is None else text_from_json(data["message"]),
                errors=_lines_from_json(data["errors"]),
                started_at=_time_from_json(data["started_at"]),
                finished_at=_time_from_json(data["finished_at"]),
            )
        except KeyError as error:
            raise ValueError(f"not an import status, {error} is missing") from error


@dataclass(frozen=True, slots=True)
class Slot:
    """
    The vendor's only place for an import of a kind, as seen at one moment.

    :param busy: another start would be refused, or would kill what runs there
    :param run: who is, or was last, in it; None if nobody ever was
    :param described: who that is, in words for an error message
    :param settles_in: seconds for which whoever waits for that run may still not have seen its end, which the next
        start would hide
    """

    busy: bool
    run: ImportRun | None
    described: str
    settles_in: float = 0.0


@dataclass(frozen=True, slots=True)
class Intent:
    """
    A start that was about to be sent.

    :param at: when, by our clock
    :param slot: the vendor's slot it was to occupy, if it has slots
    :param before: the key of the run that was in the slot before
    :param run: what we had already made there, for a vendor that starts in several steps
    :param until: when its unclear outcome came, by our clock; None if the try ended before that
    """

    at: datetime
    slot: Mapping[str, str] | None = None
    before: Mapping[str, str] | None = None
    run: ImportRun | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a search for the run of an unclear start brought.

    :param run: ours, if it was found
    :param certain: with no run: True if certainly nothing was started
    """

    run: ImportRun | None
    certain: bool = True


def manifest(run: ImportRun, status: ImportStatus) -> dict[str, Any]:
    """
    Build what every operator and sensor returns (XCom): the same shape in every vendor and mode.

    ``{"vendor", "state", "vendor_status", "run", "counts", "rejected", "message", "started_at", "finished_at", "url"}``
    """
    return {
        "vendor": run.vendor,
        "state": str(status.state),
        "vendor_status": status.vendor_status,
        "run": dict(run.key),
        "counts": status.counts.to_json(),
        "rejected": status.counts.rejected,
        "message": status.message,
        "started_at": _time_to_json(status.started_at or run.started_at),
        "finished_at": _time_to_json(status.finished_at),
        "url": run.url,
    }


def state_of(word: str, table: Mapping[str, ImportState]) -> tuple[ImportState, str | None]:
    """
    Find our word for a vendor's word or number.

    :return: the state, and a doubt to tell the user: a word that is not documented is never a success
    """
    state = table.get(word)
    if state is None:
        return ImportState.RUNNING, f"status {word!r} is not documented, so it is taken as still running"
    return state, None


def parse_time(text: object) -> datetime | None:
    """
    Read a vendor's ISO 8601 time; None for anything that is not one.

    A time without a zone is taken as UTC.
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_count(value: object) -> int | None:
    """Read a vendor's number of rows; None for anything that is not one, and for one that no vendor can have."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_ROWS else None


def read_text(value: object) -> str:
    """Read a vendor's text, or a number in the place of one; empty for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def text_from_json(value: object) -> str:
    """
    Read a text.

    :raises ValueError: for anything else
    """
    if not isinstance(value, str):
        raise ValueError(f"not a text: {value!r}")
    return value


def number_from_json(value: object) -> float:
    """
    Read a finite number; NaN as a deadline would never come.

    :raises ValueError: for anything else
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"not a number: {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def texts_from_json(value: object) -> dict[str, str]:
    """
    Read an object whose values are texts.

    :raises ValueError: for anything else
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"not an object: {value!r}")
    return {text_from_json(name): text_from_json(text) for name, text in value.items()}


def _lines_from_json(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"not a list of lines: {value!r}")
    return tuple(text_from_json(line) for line in value)


def _time_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time_from_json(value: object) -> datetime | None:
    if value is None:
        return None
    moment = parse_time(value)
    if moment is None:
        raise ValueError(f"not a time: {value!r}")
    return moment


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"not an {what}: {value!r}")
    return dict(value)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _sum_known(*values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

"""
Plain values that travel between the layers.

No I/O, no clock, no Airflow import. Every value that crosses a process (XCom, trigger arguments and events, the
task's state store) goes through ``to_json`` and ``from_json``; ``from_json`` raises :class:`ValueError` on
anything that these classes did not write.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports.counts import Counts as Counts
from airflow_provider_imports.counts import Sent as Sent
from airflow_provider_imports.json_values import (
    count_from_json,
    lines_from_json,
    number_from_json,
    object_from_json,
    text_from_json,
    time_from_json,
    time_to_json,
)
from airflow_provider_imports.progress_log import progress_line

if TYPE_CHECKING:
    from datetime import datetime


class ImportState(StrEnum):
    """Where an import stands, the same words for every vendor."""

    ACCEPTED = "accepted"  #: taken by a vendor that publishes no status of a run
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EVIDENCE = "evidence"  #: one known record has arrived at a vendor that publishes no status: it proves that row

    __hash__ = str.__hash__  # that of an enum is slow, and every look asks for it

    @property
    def is_terminal(self) -> bool:
        """True if the vendor will not change this state any more."""
        return self in _TERMINAL


_TERMINAL = frozenset({ImportState.SUCCEEDED, ImportState.FAILED, ImportState.CANCELED, ImportState.EVIDENCE})


class ImportRun(NamedTuple):
    """
    Whom we wait for.

    :param vendor: ``pigment``, ``websale``, ...
    :param key: what identifies *this* run at the vendor, for instance ``{"import_id": "..."}``
    :param started_at: when we started it, by our clock; None if somebody else did
    :param url: its page in the vendor's own UI, where the address is known
    :param remark: what people should know about how it was started, if there is something
    :param sendings: how many sendings of its start the vendor may have acted on; None if that is not known
    """

    vendor: str
    key: Mapping[str, str]
    started_at: datetime | None = None
    url: str | None = None
    remark: str | None = None
    sendings: int | None = None

    def __str__(self) -> str:
        """``import_id=…``: the vendor's own identifiers."""
        return ", ".join(f"{name}={value}" for name, value in self.key.items())

    def to_json(self) -> dict[str, Any]:
        """JSON object with one key a field; the time as ISO 8601."""
        return {
            "vendor": self.vendor,
            "key": dict(self.key),
            "started_at": time_to_json(self.started_at),
            "url": self.url,
            "remark": self.remark,
            "sendings": self.sendings,
        }

    @classmethod
    def from_json(cls, value: object) -> ImportRun:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = object_from_json(value, "import run")
        vendor, key, url, remark = (data.get(name) for name in ("vendor", "key", "url", "remark"))
        if not isinstance(vendor, str) or not isinstance(key, Mapping):
            raise ValueError(f"not an import run: {value!r}")
        if not all(text is None or isinstance(text, str) for text in (url, remark)):
            raise ValueError(f"not an import run: {value!r}")
        if not all(isinstance(one, str) for pair in key.items() for one in pair):
            raise ValueError(f"not an import run: {value!r}")
        sendings = count_from_json(data.get("sendings"))  # an older version wrote none
        return cls(vendor, key, time_from_json(data.get("started_at")), url, remark, sendings)


class ImportStatus(NamedTuple):
    """
    One answer of the vendor about a run.

    :param state: our word for it
    :param vendor_status: the vendor's own word or number
    :param progress: 0-100, or None
    :param counts: rows as the vendor counted them
    :param message: what the vendor says in words
    :param errors: error details, rejected rows and what else deserves a warning, a bounded number of lines
    :param details: what became of the parts of the import, a bounded number of lines
    :param auto_created: items of dimensions that the import created by itself; None if the vendor does not report it
    :param started_at: by the vendor's clock
    :param finished_at: by the vendor's clock
    :param written: objects of the vendor that the import wrote to, with the rows that got in, if it reports them
    """

    state: ImportState
    vendor_status: str
    progress: float | None = None
    counts: Counts = Counts()
    message: str | None = None
    errors: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    details: tuple[str, ...] = ()
    auto_created: int | None = None
    written: Mapping[str, int | None] = {}

    def __str__(self) -> str:
        """The progress line of every log and error: ``running (InProgress), 40 %, 3 inserted``."""
        return progress_line(self)

    def to_json(self) -> dict[str, Any]:
        """JSON object with one key a field; times as ISO 8601."""
        return {
            "state": str(self.state),
            "vendor_status": self.vendor_status,
            "progress": self.progress,
            "counts": self.counts.to_json(),
            "message": self.message,
            "errors": list(self.errors),
            "started_at": time_to_json(self.started_at),
            "finished_at": time_to_json(self.finished_at),
            "details": list(self.details),
            "auto_created": self.auto_created,
            "written": dict(self.written),
        }

    @classmethod
    def from_json(cls, value: object) -> ImportStatus:
        """
        Read back what :meth:`to_json` wrote.

        :raises ValueError: for anything else
        """
        data = object_from_json(value, "import status")
        try:
            return cls(
                state=ImportState(data["state"]),
                vendor_status=text_from_json(data["vendor_status"]),
                progress=None if data["progress"] is None else number_from_json(data["progress"]),
                counts=Counts.from_json(data["counts"]),
                message=None if data["message"] is None else text_from_json(data["message"]),
                errors=lines_from_json(data["errors"]),
                started_at=time_from_json(data["started_at"]),
                finished_at=time_from_json(data["finished_at"]),
                details=lines_from_json(data.get("details", ())),  # an older version wrote neither
                auto_created=count_from_json(data.get("auto_created")),
                written=_written_from_json(data.get("written", {})),
            )
        except KeyError as error:
            raise ValueError(f"not an import status, {error} is missing") from error


def state_of(word: str, table: Mapping[str, ImportState]) -> tuple[ImportState, str | None]:
    """
    Find our word for a vendor's word or number.

    :return: the state, and a doubt to tell the user: a word that is not documented is never a success
    """
    state = table.get(word)
    if state is None:
        return ImportState.RUNNING, f"status {word!r} is not documented, so it is taken as still running"
    return state, None


def _written_from_json(value: object) -> dict[str, int | None]:
    return {name: count_from_json(rows) for name, rows in object_from_json(value, "objects written to").items()}

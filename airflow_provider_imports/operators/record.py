"""What is stored of a start: how far it got, what it was about, and the moments that a later try needs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports.intent import Intent
from airflow_provider_imports.json_values import (
    number_from_json,
    storable,
    text_from_json,
    texts_from_json,
    time_from_json,
    time_to_json,
)
from airflow_provider_imports.models import ImportRun, ImportStatus

if TYPE_CHECKING:
    from datetime import datetime

#: Records of this version and older ones are read; fields that a newer one adds are ignored.
VERSION = 1


class Phase(StrEnum):
    """How far a start got."""

    INTENDED = "intended"  #: about to be sent, or sent with an unclear outcome
    ASKED = "asked"  #: its outcome is unknown, and the task failed with the question whether it took place
    STARTED = "started"  #: the vendor confirmed it
    ENDED = "ended"  #: it ended, and the task was about to report that


class Record(NamedTuple):
    """
    What is stored.

    :param fingerprint: of the inputs; a record of other inputs is not about this import
    :param at: when the start was intended
    :param run: the run, from ``STARTED`` on (earlier for a vendor that starts in several steps)
    :param slot: the vendor's slot that the start was for
    :param before: key of the run that occupied the slot before
    :param generation: the task's ``max_tries``, which a retry leaves as it is and clearing raises
    :param status: how it ended, for ``ENDED``
    :param content: fingerprint of what was sent
    :param owner: the try that wrote it; None in records of version 0.1
    :param sent_at: just before the first byte of the call that sets the import going can have left; None if no byte of
        it has
    :param unclear_at: when the unclear outcome came: no byte left later; None if the try ended before that
    :param looked_at: when a later try first looked for the run: an upper bound where ``unclear_at`` is missing
    :param unread: what is stored, where that can't be read
    """

    phase: Phase
    fingerprint: str
    at: datetime
    run: ImportRun | None = None
    slot: Mapping[str, str] | None = None
    before: Mapping[str, str] | None = None
    generation: int | None = None
    status: ImportStatus | None = None
    content: str | None = None
    owner: str | None = None
    sent_at: datetime | None = None
    unclear_at: datetime | None = None
    looked_at: datetime | None = None
    unread: object = None

    @property
    def intent(self) -> Intent:
        """The start as it was intended."""
        return Intent(self.at, self.slot, self.before, self.run, self.sent_at, self.unclear_at)

    def to_json(self) -> dict[str, Any]:
        """The record as Airflow stores it."""
        return {
            "version": VERSION,
            "phase": str(self.phase),
            "fingerprint": self.fingerprint,
            "at": self.at.isoformat(),
            "run": None if self.run is None else self.run.to_json(),
            "slot": None if self.slot is None else dict(self.slot),
            "before": None if self.before is None else dict(self.before),
            "generation": self.generation,
            "status": None if self.status is None else self.status.to_json(),
            "content": self.content,
            "owner": self.owner,
            "sent_at": time_to_json(self.sent_at),
            "unclear_at": time_to_json(self.unclear_at),
            "looked_at": time_to_json(self.looked_at),
            "unread": self.unread,
        }

    @classmethod
    def from_json(cls, value: object) -> Record:
        """
        Read back what :meth:`to_json` of this version or an older one wrote.

        :raises ValueError: for anything else
        """
        if not isinstance(value, Mapping) or value.get("version") is True or value.get("version") != VERSION:
            raise ValueError(f"it is no record of version {VERSION}")
        at = time_from_json(value.get("at"))
        if at is None:
            raise ValueError("it does not say when the start was intended")
        try:
            phase, fingerprint = Phase(value["phase"]), text_from_json(value["fingerprint"])
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        run, status, content, owner = (value.get(name) for name in ("run", "status", "content", "owner"))
        record = cls(
            phase,
            fingerprint,
            at,
            None if run is None else ImportRun.from_json(run),
            _texts(value.get("slot")),
            _texts(value.get("before")),
            _whole_number(value.get("generation")),
            None if status is None else ImportStatus.from_json(status),
            None if content is None else text_from_json(content),
            None if owner is None else text_from_json(owner),
            # version 0.1 did not store it: a byte may have left at any time from then on
            time_from_json(value["sent_at"]) if "sent_at" in value else at,
            time_from_json(value.get("unclear_at")),
            time_from_json(value.get("looked_at")),
            storable(value.get("unread")),
        )
        if record.run is None and phase in (Phase.STARTED, Phase.ENDED):
            raise ValueError("it does not say which run was started")
        return record


def _texts(value: object) -> dict[str, str] | None:
    return None if value is None else texts_from_json(value)


def _whole_number(value: object) -> int | None:
    return None if value is None else int(number_from_json(value))

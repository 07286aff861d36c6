"""What a task remembers from one try to the next: that it was about to start an import, and which one it started."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from airflow_provider_imports.intent import Intent
from airflow_provider_imports.json_values import number_from_json, text_from_json, texts_from_json
from airflow_provider_imports.models import ImportRun, ImportStatus, parse_time

log = logging.getLogger(__name__)

#: The one key in the task's state store.
KEY = "airflow_provider_imports.run"
VERSION = 1


class StateStore(Protocol):
    """Airflow's ``context["task_state_store"]`` (3.3+), as far as it is used."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


class Phase(StrEnum):
    """How far a start got."""

    INTENDED = "intended"  #: about to be sent, or sent with an unknown outcome
    STARTED = "started"  #: the vendor confirmed it
    ENDED = "ended"  #: it ended, and the task was about to report that


@dataclass(frozen=True, slots=True)
class Record:
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

    @property
    def intent(self) -> Intent:
        """The start as it was intended."""
        return Intent(self.at, self.slot, self.before, self.run)

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
        }

    @classmethod
    def from_json(cls, value: object) -> Record:
        """
        Read back what :meth:`to_json` of this version wrote.

        :raises ValueError: for anything else
        """
        if not isinstance(value, Mapping) or value.get("version") != VERSION:
            raise ValueError("not a record of this version")
        at = parse_time(value.get("at"))
        try:
            run, slot, before, generation, status, content = (
                value[name] for name in ("run", "slot", "before", "generation", "status", "content")
            )
            record = cls(
                Phase(value["phase"]),
                text_from_json(value["fingerprint"]),
                at or datetime.now(UTC),
                None if run is None else ImportRun.from_json(run),
                None if slot is None else texts_from_json(slot),
                None if before is None else texts_from_json(before),
                generation if generation is None else int(number_from_json(generation)),
                None if status is None else ImportStatus.from_json(status),
                None if content is None else text_from_json(content),
            )
        except KeyError as error:
            raise ValueError(f"not a record, {error} is missing") from error
        if at is None or (record.phase is not Phase.INTENDED and record.run is None):
            raise ValueError("a record without its time or its run")
        return record


class RunStore:
    """
    Remember a start over the tries of one task instance.

    :param store: Airflow's store; None where there is none, or the task does not want it: nothing is remembered
    :param fingerprint: of the inputs; None to go on with whatever import is stored
    :param generation: the task's ``max_tries``
    """

    def __init__(self, store: StateStore | None, fingerprint: str | None = None, generation: int | None = None) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._generation = generation
        self._record: Record | None = None

    @property
    def intent(self) -> Intent | None:
        """The start in progress, with what was already made for it."""
        return None if self._record is None else self._record.intent

    @property
    def was_cleared(self) -> bool:
        """The task was cleared since it noted what is stored."""
        return self._record is not None and self._record.generation != self._generation

    def load(self, content: Callable[[], str | None] = lambda: None) -> Record | None:
        """
        What an earlier try of the same import left; anything else is ignored with a warning.

        :param content: makes the fingerprint of what is to be sent now; asked only after clearing, since a retry is
            about what its first try sent, whatever copy of it is on this worker
        """
        value = None if self._store is None else self._store.get(KEY)
        if value is None:
            return None
        try:
            record = Record.from_json(value)
        except ValueError as error:
            log.warning("What is stored for this task can't be read (%s); it is ignored", error)
            return None
        if self._fingerprint not in (None, record.fingerprint):
            log.warning(
                "An earlier try was for another import (%s) than these inputs make; it is ignored and left as it is",
                record.run or "not confirmed",
            )
            return None
        if record.phase is Phase.ENDED and record.generation != self._generation:
            log.info("This task had ended (%s) and was cleared, so the import runs again", record.run)
            return None
        if record.generation != self._generation and content() not in (None, record.content):
            log.warning(
                "What is to be sent has changed since an earlier try started an import (%s); that one is ignored and "
                "left as it is",
                record.run or "not confirmed",
            )
            return None
        self._record = record
        return record

    def intend(
        self,
        slot: Mapping[str, str] | None = None,
        before: Mapping[str, str] | None = None,
        content: str | None = None,
    ) -> Intent:
        """Note that a start is about to be sent; what an unfinished one left at the vendor stays in mind."""
        last = self._record
        record = Record(
            Phase.INTENDED,
            self._fingerprint or "",
            datetime.now(UTC),
            last.run if last is not None and last.phase is Phase.INTENDED else None,
            slot=slot,
            before=before,
            generation=self._generation,
            content=content,
        )
        self._save(record)
        return record.intent

    def staged(self, run: ImportRun) -> None:
        """Note a run that was made but not started yet."""
        self._advance(Phase.INTENDED, run)

    def started(self, run: ImportRun) -> None:
        """Note the run that the vendor confirmed."""
        self._advance(Phase.STARTED, run)

    def ended(self, run: ImportRun, status: ImportStatus) -> None:
        """Note the end before it is reported: a crash right now repeats the report, clearing repeats the import."""
        self._advance(Phase.ENDED, run, status)

    def forget(self) -> None:
        """
        Remove what is stored, for nothing was started.

        What was made at the vendor but not started stays in mind: a retry must know that it is ours.
        """
        if self._record is not None and self._record.phase is Phase.INTENDED and self._record.run is not None:
            return
        self._record = None
        if self._store is not None:
            self._store.delete(KEY)

    def _advance(self, phase: Phase, run: ImportRun, status: ImportStatus | None = None) -> None:
        last = self._record or Record(phase, self._fingerprint or "", datetime.now(UTC))
        self._save(replace(last, phase=phase, run=run, status=status, generation=self._generation))

    def _save(self, record: Record) -> None:
        if record == self._record:
            return
        self._record = record
        if self._store is not None:
            self._store.set(KEY, record.to_json())


def fingerprint_of(*inputs: object) -> str:
    """
    Tell these inputs from others, without keeping them.

    :param inputs: JSON values
    """
    text = json.dumps(inputs, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()

"""What a task remembers from one try to the next: that it was about to start an import, and which one it started."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

from airflow_provider_imports.exceptions import AnotherTryError, InvalidInputError
from airflow_provider_imports.json_values import storable
from airflow_provider_imports.operators.record import Phase, Record

if TYPE_CHECKING:
    from airflow_provider_imports.models import ImportRun, ImportStatus

log = logging.getLogger(__name__)

#: The record's key in the task's state store.
KEY = "airflow_provider_imports.run"
#: The key of the try that was last about to start.
TRY_KEY = "airflow_provider_imports.try"


class StateStore(Protocol):
    """Airflow's ``context["task_state_store"]`` (3.3+), as far as it is used."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


class RunStore:
    """
    Remember a start over the tries of one task instance.

    Two tries may be alive at once: Airflow believes a worker dead that is not. The store has no compare-and-set, so a
    try takes two steps: it names itself under :data:`TRY_KEY`, sees that the record is as it was read, writes its own,
    and sees that the name is still its own. Of all tries that do so, at most one gets through, wherever each of them is
    interrupted (a splitter, as Moir and Anderson describe it).

    :param store: Airflow's store; None where there is none, or the task does not want it: nothing is remembered
    :param fingerprint: of the inputs; None to go on with whatever import is stored
    :param generation: the task's ``max_tries``
    """

    def __init__(self, store: StateStore | None, fingerprint: str | None = None, generation: int | None = None) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._generation = generation
        self._owner = uuid4().hex
        self._record: Record | None = None
        self._stored: object = None

    @property
    def record(self) -> Record | None:
        """What is stored, as far as it is about this import."""
        return self._record

    @property
    def was_cleared(self) -> bool:
        """The task was cleared since it noted what is stored."""
        return self._record is not None and self._record.generation != self._generation

    def load(self, content: Callable[[], str | None] = lambda: None) -> Record | None:
        """
        What an earlier try of the same import left. A record that can't be read may be of a start, so it counts.

        :param content: makes the fingerprint of what is to be sent now; asked only after clearing, since a retry is
            about what its first try sent, whatever copy of it is on this worker
        """
        self._stored = self._in_store()
        self._record = None if self._stored is None else self._read(self._stored)
        if self._record is not None and not self._is_about_this_import(self._record, content):
            self._record = None
        return self._record

    def intend(
        self,
        slot: Mapping[str, str] | None = None,
        before: Mapping[str, str] | None = None,
        content: str | None = None,
        *,
        in_steps: bool = False,
    ) -> None:
        """
        Note that a start is about to be sent; what an unfinished one left at the vendor stays in mind.

        :param in_steps: the first call only prepares the import; :meth:`sending` notes the one that sets it going
        :raises AnotherTryError: if another try has stored something since this one looked
        """
        if self._store is not None:
            self._store.set(TRY_KEY, self._owner)
            self._raise_if_another(self._in_store() != self._stored)
        last, now = self._record, datetime.now(UTC)
        self._save(
            Record(
                Phase.INTENDED,
                self._fingerprint or "",
                now,
                last.run if last is not None and last.phase is Phase.INTENDED else None,
                slot=slot,
                before=before,
                generation=self._generation,
                content=content,
                owner=self._owner,
                sent_at=None if in_steps else now,
            )
        )

    def verify(self) -> None:
        """
        Make sure that no other try has stored anything since this one did; right before the first byte of a start.

        :raises AnotherTryError: if one has
        """
        if self._store is not None:
            self._raise_if_another(self._store.get(TRY_KEY) != self._owner or self._in_store() != self._stored)

    @staticmethod
    def _raise_if_another(changed: bool) -> None:
        if changed:
            raise AnotherTryError(
                "Another try of this task is at work: it has stored something since this one looked. This one sent "
                "nothing; the next try looks what became of the other."
            )

    def sending(self) -> None:
        """Note that the call which sets a prepared import going is about to be sent."""
        self.verify()
        self._change(sent_at=datetime.now(UTC))

    def unclear(self) -> None:
        """Note that the start's outcome is unclear, and that none of its bytes leaves from now on."""
        self._change(unclear_at=datetime.now(UTC))

    def looked(self) -> Record:
        """Note when a later try first looked for the run, and return the record."""
        if self._record is None:
            raise RuntimeError("there is no record of a start")
        if self._record.looked_at is None:
            self._change(looked_at=datetime.now(UTC))
        return self._record

    def asked(self) -> None:
        """Note that the task fails with a question: only clearing it, not a retry, is an answer."""
        now = datetime.now(UTC)
        last = self._record or Record(Phase.ASKED, self._fingerprint or "", now, sent_at=now)
        self._save(last._replace(phase=Phase.ASKED, generation=self._generation, owner=self._owner))

    def staged(self, run: ImportRun) -> None:
        """Note a run that was made but not started yet."""
        self._change(run=run, sent_at=None)

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
            self._change(sent_at=None)
            return
        if self._store is not None and self._in_store() == self._stored:  # else it is another try's
            self._store.delete(KEY)
            self._store.delete(TRY_KEY)
            self._stored = None
        self._record = None

    def _in_store(self) -> object:
        return None if self._store is None else storable(self._store.get(KEY))

    def _read(self, value: object) -> Record:
        try:
            return Record.from_json(value)
        except ValueError as error:
            log.warning("What is stored for this task can't be read (%s); it may be of a start", error)
            generation = value.get("generation") if isinstance(value, Mapping) else None
            generation = generation if isinstance(generation, int) else None
            now = datetime.now(UTC)
            return Record(
                Phase.INTENDED, self._fingerprint or "", now, generation=generation, sent_at=now, unread=value
            )

    def _is_about_this_import(self, record: Record, content: Callable[[], str | None]) -> bool:
        if self._fingerprint not in (None, record.fingerprint):
            log.warning(
                "An earlier try was for another import (%s) than these inputs make; it is ignored and left as it is",
                record.run or "not confirmed",
            )
            return False
        if record.generation == self._generation or record.unread is not None:
            return True
        if record.phase is Phase.ENDED:
            log.info("This task had ended (%s) and was cleared, so the import runs again", record.run)
            return False
        if content() not in (None, record.content):
            log.warning(
                "What is to be sent has changed since an earlier try started an import (%s); that one is ignored and "
                "left as it is",
                record.run or "not confirmed",
            )
            return False
        return True

    def _advance(self, phase: Phase, run: ImportRun, status: ImportStatus | None = None) -> None:
        last = self._record or Record(phase, self._fingerprint or "", datetime.now(UTC))
        self._save(last._replace(phase=phase, run=run, status=status, generation=self._generation, owner=self._owner))

    def _change(self, **fields: Any) -> None:
        if self._record is not None:
            self._save(self._record._replace(**fields))

    def _save(self, record: Record) -> None:
        if record == self._record:
            return
        self._record = record
        if self._store is not None:
            self._stored = json.loads(json.dumps(record.to_json()))
            self._store.set(KEY, self._stored)


def fingerprint_of(*inputs: object) -> str:
    """
    Tell these inputs from others by their content, without keeping them.

    :raises InvalidInputError: for an object whose content can't be told
    """
    text = json.dumps([content_of("an input", one) for one in inputs], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()


def content_of(name: str, value: object) -> object:
    """
    The JSON value that stands for an input in every process; an object's ``repr`` may differ between two.

    :param name: of the input, for the error
    :raises InvalidInputError: for an object whose content can't be told
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | os.PathLike | Decimal | UUID | date) or hasattr(value, "as_uri"):  # any path
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): content_of(name, one) for key, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, set | frozenset):  # also Airflow's lazy sequences
        return [content_of(name, one) for one in value]
    raise InvalidInputError(
        f"{name} is, or holds, an object of type {type(value).__name__}, whose content can't be compared with "
        "another's. Give texts, numbers, lists or dicts. Nothing was sent."
    )

"""What the trigger hands to the worker: small, versioned JSON, never a response body, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_imports.json_values import number_from_json, text_from_json, texts_from_json
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.polling import Ending, Outcome

#: A triggerer and a worker of different versions must not guess.
EVENT_VERSION = 1


class Event(NamedTuple):
    """
    The end of a wait.

    :param ending: how the wait ended
    :param deadline: the wait's deadline, epoch seconds
    :param run: the run that was waited for; None if it was a slot
    :param slot: the slot that was waited for; None if it was a run
    :param base_url: the vendor's address in the connection
    """

    ending: Ending
    deadline: float
    run: ImportRun | None = None
    slot: Mapping[str, str] | None = None
    base_url: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The event as Airflow carries it."""
        status = self.ending.status
        return {
            "version": EVENT_VERSION,
            "outcome": str(self.ending.outcome),
            "status": None if status is None else status.to_json(),
            "error": self.ending.error,
            "message": self.ending.message,
            "deadline": self.deadline,
            "run": None if self.run is None else self.run.to_json(),
            "slot": None if self.slot is None else dict(self.slot),
            "base_url": self.base_url,
        }

    @classmethod
    def from_json(cls, value: object) -> Event:
        """
        Read back what :meth:`to_json` of the same version wrote.

        :raises ValueError: for anything else; nothing that is not understood is a success
        """
        version = value.get("version") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or version is True or version != EVENT_VERSION:
            raise ValueError(f"not an event of version {EVENT_VERSION}: {value!r}")
        try:
            status, error, message = value["status"], value["error"], value["message"]
            ending = Ending(
                Outcome(value["outcome"]),
                None if status is None else ImportStatus.from_json(status),
                None if error is None else text_from_json(error),
                None if message is None else text_from_json(message),
            )
            run, slot, base_url = value["run"], value["slot"], value.get("base_url")
            event = cls(
                ending,
                number_from_json(value["deadline"]),
                None if run is None else ImportRun.from_json(run),
                None if slot is None else texts_from_json(slot),
                None if base_url is None else text_from_json(base_url),
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"not an event: {error}") from error
        if not ending.is_consistent:
            raise ValueError("not an event: its status does not say what its outcome says")
        return event

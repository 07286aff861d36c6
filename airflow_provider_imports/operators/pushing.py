"""The operator for calls that carry the data: it knows what is sent, and when the vendor has the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_imports.operators.waiting import WaitingImportOperator

if TYPE_CHECKING:
    from airflow_provider_imports.models import Sent
    from airflow_provider_imports.operators.payload import Payload


class PushingImportOperator(WaitingImportOperator):
    """Send :attr:`payload`, which :meth:`prepare` opens, and wait for the import's end."""

    #: What is sent (``open_payload``); None in a try that does not start the import itself.
    payload: Payload | None = None

    def content_version(self) -> object:
        """Size and time of change of the file, or a hash of the query's rows."""
        return None if self.payload is None else self.payload.version

    @property
    def in_steps(self) -> bool:
        """What is streamed is complete with its last piece."""
        return self.payload is not None and self.payload.completed_by(self._store.sending)

    def sent(self) -> Sent | None:
        """What was sent, as far as it is known; None in a try that did not start the import itself."""
        return None if self.payload is None else self.payload.sent

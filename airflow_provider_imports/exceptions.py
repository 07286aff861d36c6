"""
What can go wrong, one class for each thing that a user would handle differently.

Permanent errors (bad credentials, a refused request, an unknown outcome) also derive from
:class:`AirflowFailException`, so Airflow does not retry what cannot succeed. Transient ones do not.
A message says what happened, what became of the import, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSensorTimeout

if TYPE_CHECKING:
    from airflow_provider_imports.models import Counts, ImportRun, ImportStatus


class VendorImportError(AirflowException):
    """
    Base of all errors of this package.

    :param message: what happened; what became of the import; what to do
    :param vendor: ``pigment``, ``websale``, ...
    :param operation: the vendor's call, for instance ``push_csv``
    :param status_code: the HTTP status of the answer, if there was one
    :param vendor_message: what the vendor said, in its words
    :param request_id: the vendor's id of the request, for its support
    :param retry_after: seconds that the vendor asks us to wait
    :param run: the import that it is about; None if none was started, or nobody knows
    :param status: what was last seen of that import
    :param manifest: what the task hands over of it (XCom ``manifest``), plain JSON
    """

    def __init__(
        self,
        message: str = "",
        *,
        vendor: str | None = None,
        operation: str | None = None,
        status_code: int | None = None,
        vendor_message: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        run: ImportRun | None = None,
        status: ImportStatus | None = None,
        manifest: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.vendor = vendor
        self.operation = operation
        self.status_code: int | None = status_code  # type: ignore[assignment]  # Airflow's own is an API's status
        self.vendor_message = vendor_message
        self.request_id = request_id
        self.retry_after = retry_after
        self.run = run
        self.status = status
        self.manifest = manifest

    @property
    def counts(self) -> Counts | None:
        """Rows as the vendor counted them; None if the import's status was not seen."""
        return None if self.status is None else self.status.counts

    @property
    def rejected(self) -> int | None:
        """Rows that did not get in; None if the vendor did not say."""
        return None if self.status is None else self.status.counts.rejected

    @property
    def errors(self) -> tuple[str, ...]:
        """What the vendor says about rejected rows and other errors, a bounded number of lines."""
        return () if self.status is None else self.status.errors


class ConnectionSettingsError(VendorImportError, AirflowFailException):
    """The Airflow connection cannot be used as it is; nothing was sent."""


class InvalidInputError(VendorImportError, AirflowFailException, ValueError):
    """A parameter or a record is wrong; nothing was sent."""


class QueryFailedError(VendorImportError):
    """The database did not give the rows to send; nothing was sent."""


class VendorAuthError(VendorImportError, AirflowFailException):
    """The vendor refused the credentials, or they lack a permission."""


class VendorRequestError(VendorImportError, AirflowFailException):
    """The vendor refused the request; repeating it unchanged would be refused again."""


class ImportNotFoundError(VendorRequestError):
    """The vendor knows no such import, or none any more."""


class UnknownOutcomeError(VendorImportError, AirflowFailException):
    """A start was sent, and nobody can tell whether the vendor acted. Not retried, since that could import twice."""


class VendorRateLimitError(VendorImportError):
    """The vendor asks for fewer requests; nothing was done. See ``retry_after``."""


class VendorUnavailableError(VendorImportError):
    """The vendor could not be reached or understood; a later try may succeed."""


class ImportFailedError(VendorImportError):
    """The vendor reports that the import failed."""


class ImportCanceledError(VendorImportError):
    """Somebody canceled the import at the vendor."""


class ImportSupersededError(VendorImportError):
    """Another import took the place of ours at the vendor. It is not ours, so it is not canceled."""


class ImportTimeoutError(VendorImportError):
    """The import did not end before the deadline."""


class SensorTimeoutError(ImportTimeoutError, AirflowSensorTimeout):
    """The import did not end before a sensor's timeout. Not retried, as Airflow does with any sensor's timeout."""


class ImportRejectedRecordsError(VendorImportError):
    """The import ended, but more rows were rejected than ``max_rejected`` allows (or all of them)."""


class ImportBusyError(VendorImportError):
    """Another import occupies the vendor's only slot, and ``if_running`` is ``"fail"``."""


class AnotherTryError(VendorImportError):
    """Airflow runs two tries of one task at once, since it believed a worker dead. This one sent nothing."""


class TriggerEventError(VendorImportError):
    """The trigger's event is missing or of another version of this package; the import may still be running."""

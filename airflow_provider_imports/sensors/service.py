"""The sensor of a vendor that is described in data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from airflow_provider_imports.service import ID

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingSensorArgs
    from airflow_provider_imports.vendors import VendorEntry


class ServiceSensor(JudgingImportSensor):
    """
    Wait for an import that somebody else started.

    :param import_id: the id that the start answered (templated)
    :param conn_id: the Airflow connection (templated)
    """

    template_fields = ("conn_id", "import_id")

    def __init__(self, *, import_id: str, conn_id: str | None = None, **kwargs: Unpack[PollingSensorArgs]) -> None:
        super().__init__(conn_id=self.entry.default_conn_id if conn_id is None else conn_id, **kwargs)
        self.import_id = import_id

    def run_to_watch(self) -> ImportRun:
        """The import with this id."""
        return ImportRun(self.entry.conn_type, {ID: validation.required("import_id", self.import_id)})


def sensor_of(name: str, entry: VendorEntry) -> type[ServiceSensor]:
    """
    Make the sensor of a vendor; it lives in the first module of sensors that the entry names.

    :param name: of the class
    """
    attributes: dict[str, Any] = {"__module__": entry.sensors[0], "__doc__": ServiceSensor.__doc__, "entry": entry}
    return type(name, (ServiceSensor,), attributes)

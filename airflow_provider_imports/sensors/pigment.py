"""Wait for imports in Pigment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from airflow_provider_imports.vendors.pigment import PIGMENT

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingSensorArgs, Text


class PigmentImportSensor(JudgingImportSensor):
    """
    Wait for an import of Pigment, of any kind, that somebody else started.

    .. seealso:: :ref:`howto/sensor:PigmentImportSensor`

    :param import_id: the ``importId`` that the start answered (templated)
    :param max_auto_created: how many items of dimensions the import may create by itself, because the data names them:
        None only warns
    :param conn_id: the Airflow connection (templated)
    """

    entry = PIGMENT
    template_fields = ("conn_id", "import_id")

    def __init__(
        self,
        *,
        import_id: Text,
        max_auto_created: int | None = None,
        conn_id: str = "pigment_default",
        **kwargs: Unpack[PollingSensorArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.import_id = import_id
        validation.max_auto_created(max_auto_created)
        self.max_auto_created = max_auto_created

    def check(self) -> None:
        """Check the import's id as well."""
        super().check()
        validation.uuid("import_id", self.import_id)

    def run_to_watch(self) -> ImportRun:
        """The import with this id."""
        return ImportRun("pigment", {"import_id": validation.uuid("import_id", self.import_id)})

"""Wait for imports at Harbor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_harbor.entry import HARBOR
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sensors.judging import JudgingImportSensor

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingSensorArgs


class HarborImportSensor(JudgingImportSensor):
    """
    Wait for an import at Harbor that somebody else started.

    :param number: the ``id`` that the start answered (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = HARBOR
    template_fields = ("conn_id", "number")

    def __init__(self, *, number: str, conn_id: str = "harbor_default", **kwargs: Unpack[PollingSensorArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.number = number

    def run_to_watch(self) -> ImportRun:
        return ImportRun("harbor", {"id": self.number})

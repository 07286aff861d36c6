"""Wait for digs at Quarry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from airflow_provider_quarry.entry import QUARRY

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingSensorArgs


class QuarryDigSensor(JudgingImportSensor):
    """
    Wait for a dig at Quarry that somebody else started.

    :param dig: the end of the ``Location`` that the start answered (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = QUARRY
    template_fields = ("conn_id", "dig")

    def __init__(self, *, dig: str, conn_id: str = "quarry_default", **kwargs: Unpack[PollingSensorArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.dig = dig

    def run_to_watch(self) -> ImportRun:
        return ImportRun("quarry", {"dig": self.dig})

"""Start digs at Quarry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_quarry.entry import QUARRY

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingArgs
    from airflow_provider_imports.models import ImportRun
    from airflow_provider_quarry.hooks import QuarryHook


class QuarryDigOperator(WaitingImportOperator):
    """
    Dig a pit at Quarry, and wait for the dig's end.

    :param pit: the pit (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = QUARRY
    inputs = ("pit",)
    template_fields = ("conn_id", "pit", "on_unknown_outcome")

    def __init__(self, *, pit: str, conn_id: str = "quarry_default", **kwargs: Unpack[PollingArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.pit = pit

    def check(self) -> None:
        super().check()
        validation.required("pit", self.pit)

    def start(self, hook: QuarryHook) -> ImportRun:
        return hook.dig(self.pit)

"""Start imports at Harbor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_harbor.entry import HARBOR
from airflow_provider_imports import validation
from airflow_provider_imports.operators.waiting import WaitingImportOperator

if TYPE_CHECKING:
    from airflow_provider_harbor.hooks import HarborHook
    from airflow_provider_imports.arguments import PollingArgs
    from airflow_provider_imports.models import ImportRun


class HarborLoadListOperator(WaitingImportOperator):
    """
    Load a saved list at Harbor, and wait for the import's end.

    :param name: the saved list (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = HARBOR
    inputs = ("name",)
    template_fields = ("conn_id", "name", "on_unknown_outcome")

    def __init__(self, *, name: str, conn_id: str = "harbor_default", **kwargs: Unpack[PollingArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.name = name

    def check(self) -> None:
        super().check()
        validation.required("name", self.name)

    def start(self, hook: HarborHook) -> ImportRun:
        return hook.load_list(self.name)

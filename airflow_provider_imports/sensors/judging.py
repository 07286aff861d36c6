"""The sensor for vendors that count rows: it judges them as an operator does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.judging import Limits
from airflow_provider_imports.sensors.base import ImportSensor

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import SensorTimesArgs


class JudgingImportSensor(ImportSensor):
    """
    Wait for an import's end, and judge its counts.

    :param max_rejected: how many rows the vendor may reject: None only warns, an int is rows, a float a share of all
        rows. An import whose every row was rejected fails whatever is set
    :param min_rows: how many rows must get in: None only warns if there was none at all
    """

    #: How many items the vendor may create by itself, for one that does.
    max_auto_created: int | None = None

    def __init__(
        self,
        *,
        conn_id: str,
        max_rejected: int | float | None = None,
        min_rows: int | None = None,
        **kwargs: Unpack[SensorTimesArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        validation.max_rejected(max_rejected)
        validation.min_rows(min_rows)
        self.max_rejected = max_rejected
        self.min_rows = min_rows

    @property
    def limits(self) -> Limits:
        """What the user accepts of an import that ended well."""
        return Limits(self.max_rejected, self.max_auto_created, self.min_rows)

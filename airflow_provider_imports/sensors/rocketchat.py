"""Wait for imports in Rocket.Chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from airflow_provider_imports.vendors.rocketchat import ROCKETCHAT

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import PollingSensorArgs, Text


class RocketChatImportSensor(JudgingImportSensor):
    """
    Wait for an import operation of Rocket.Chat, of any kind, that somebody else runs.

    An operation that waits for users or for its run has not ended. One that was replaced by another before it had
    ended makes the sensor fail; nothing is ever cleared.

    .. seealso:: :ref:`howto/sensor:RocketChatImportSensor`

    :param operation_id: ``_id`` of the operation; None for the workspace's current one, whichever that is at each look:
        the sensor then ends at once if the last operation has ended (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = ROCKETCHAT
    template_fields = ("conn_id", "operation_id")

    def __init__(
        self,
        *,
        operation_id: Text | None = None,
        conn_id: str = "rocketchat_default",
        **kwargs: Unpack[PollingSensorArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.operation_id: Any = operation_id
        self._given = validation.given(operation_id=operation_id)

    def run_to_watch(self) -> ImportRun:
        """The operation with this id, or the current one."""
        if self.operation_id is None:
            return ImportRun("rocketchat", {"operation": "current"})
        return ImportRun("rocketchat", {"operation_id": validation.required("operation_id", self.operation_id)})

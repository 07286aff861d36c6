"""Wait for evidence that an import of Bloomreach Engagement has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports.sensors.base import ImportSensor
from airflow_provider_imports.vendors.bloomreach import BLOOMREACH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import XComArg

    from airflow_provider_imports.arguments import SensorTimesArgs, Text
    from airflow_provider_imports.models import ImportRun


class BloomreachArrivalSensor(ImportSensor):
    """
    Wait until one known customer of Bloomreach Engagement has a given value.

    Bloomreach publishes no status of a run. So let the imported file carry a record of your own (a canary), whose
    property holds a stamp of the run, and wait for that stamp: it proves that this row was imported, and nothing
    about the other rows. The state is therefore ``evidence``, never ``succeeded``.

    The API key needs the permission *Customer properties > Get*, in a project.

    .. seealso:: :ref:`howto/sensor:BloomreachArrivalSensor`

    :param customer_ids: of the record, for instance ``{"registered": "canary@example.com"}`` (templated)
    :param property_name: the customer property that holds the stamp (templated)
    :param value: the stamp, a text that is another one for each run (templated)
    :param project_token: of the project, in place of the connection's (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = BLOOMREACH
    template_fields = ("conn_id", "customer_ids", "property_name", "value", "project_token")

    def __init__(
        self,
        *,
        customer_ids: Mapping[str, Text] | XComArg,
        property_name: Text,
        value: Text,
        project_token: Text | None = None,
        conn_id: str = "bloomreach_default",
        **kwargs: Unpack[SensorTimesArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.customer_ids: Any = customer_ids
        self.property_name: Any = property_name
        self.value: Any = value
        self.project_token: Any = project_token

    def check(self) -> None:
        """Check what to wait for as well."""
        super().check()
        self.run_to_watch()

    def run_to_watch(self) -> ImportRun:
        """The arrival of the record with its stamp."""
        from airflow_provider_imports.hooks.bloomreach.calls import customer_arrival

        return customer_arrival(self.customer_ids, self.property_name, self.value, self.project_token)

"""Wait for evidence that an import of Blueshift has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports.sensors.base import ImportSensor
from airflow_provider_imports.vendors.blueshift import BLUESHIFT

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import SensorTimesArgs, Text
    from airflow_provider_imports.models import ImportRun


class BlueshiftArrivalSensor(ImportSensor):
    """
    Wait until one known customer of Blueshift has a given value.

    Blueshift publishes no status of a run. So let the imported file carry a record of your own (a canary), whose
    attribute holds a stamp of the run, and wait for that stamp: it proves that this row was imported, and nothing
    about the other rows. The state is therefore ``evidence``, never ``succeeded``.

    .. seealso:: :ref:`howto/sensor:BlueshiftArrivalSensor`

    :param customer_email: address of the record (templated)
    :param attribute: the attribute that holds the stamp, one of your own or of Blueshift's (templated)
    :param value: the stamp, a text that is another one for each run (templated)
    :param conn_id: the Airflow connection (templated)
    """

    entry = BLUESHIFT
    template_fields = ("conn_id", "customer_email", "attribute", "value")

    def __init__(
        self,
        *,
        customer_email: Text,
        attribute: Text,
        value: Text,
        conn_id: str = "blueshift_default",
        **kwargs: Unpack[SensorTimesArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.customer_email: Any = customer_email
        self.attribute: Any = attribute
        self.value: Any = value

    def check(self) -> None:
        """Check what to wait for as well."""
        super().check()
        self.run_to_watch()

    def run_to_watch(self) -> ImportRun:
        """The arrival of the record with its stamp."""
        from airflow_provider_imports.hooks.blueshift import customer_arrival

        return customer_arrival(self.customer_email, self.attribute, self.value)

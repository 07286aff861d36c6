"""Blueshift, proven with the test kit."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID
from airflow_provider_imports.sensors.blueshift import BlueshiftArrivalSensor
from airflow_provider_imports.testing import Conformance, Start, Wait
from tests.conftest import SAMPLES

#: What the record of an arrival holds, in the file that the vendor's imports load.
CUSTOMERS = Path(__file__).with_name("customers.csv")


class TestBlueshift(Conformance):
    starts = (
        Start(
            BlueshiftTriggerCustomerImportOperator,
            {"uuid": LAUNCHED_UUID},
            "trigger_customer_import",
            repeats=(502, 503, 504),
        ),
    )
    sensors = (
        Wait(
            BlueshiftArrivalSensor,
            lambda run: {"customer_email": "canary@example.com", "attribute": "import_stamp", "value": "run 7"},
            "get_customers",
            ends="evidence",
        ),
    )
    settings = {"source": str(CUSTOMERS)}
    samples = SAMPLES / "blueshift"
    reads = {"get_customers": lambda hook: hook.get_customers("a@example.com")}

"""Blueshift, proven with the test kit."""

from __future__ import annotations

from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID
from airflow_provider_imports.testing import Conformance, Start
from tests.conftest import SAMPLES


class TestBlueshift(Conformance):
    starts = (
        Start(
            BlueshiftTriggerCustomerImportOperator,
            {"uuid": LAUNCHED_UUID},
            "trigger_customer_import",
            repeats=(502, 503, 504),
        ),
    )
    samples = SAMPLES / "blueshift"
    reads = {"get_customers": lambda hook: hook.get_customers("a@example.com")}

"""Pigment, proven with the test kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.testing import Conformance, Start, Wait
from tests.conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

STATUS = "get_import_status"
SALES = "c4b1d2e3-0f5a-4e6b-8c7d-9a0b1c2d3e4f"
BLOCK = "b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66"


def plan(folder: Path) -> dict[str, Any]:
    file = folder / "plan.csv"
    if not file.exists():
        file.write_text("month,amount\n" + "2026-01,1\n" * 50)
    return {"configuration_id": UPLOAD_CONFIGURATION_ID, "file_path": str(file)}


class TestPigment(Conformance):
    starts = (
        Start(PigmentPushCsvOperator, plan, "push_csv", STATUS),
        Start(
            PigmentTriggerImportOperator, {"configuration_id": INTEGRATION_CONFIGURATION_ID}, "trigger_import", STATUS
        ),
        Start(
            PigmentTriggerImportOperator,
            {"configuration": "Sales plan", "application": "Workforce", "metadata_conn_id": "pigment_metadata"},
            "trigger_import",
            STATUS,
            first=("get_applications", "get_blocks", "get_import_configurations", "trigger_import", STATUS),
            name="by name",
        ),
    )
    sensors = (Wait(PigmentImportSensor, lambda run: {"import_id": run.key["import_id"]}, STATUS),)
    settings = {"requests_per_window": None, "pushes_per_hour": None}
    samples = SAMPLES / "pigment"
    calls = {
        "push_csv": lambda hook: hook.push_csv(INTEGRATION_CONFIGURATION_ID, b"a;b\n"),
        "get_import_status": lambda hook: hook.get_import_status(INTEGRATION_CONFIGURATION_ID, detailed_report=True),
    }
    reads = {
        "get_applications": lambda hook: PigmentHook("pigment_metadata").get_applications()[0].name,
        "get_blocks": lambda hook: PigmentHook("pigment_metadata").get_blocks(SALES)[0].name,
        "get_import_configurations": lambda hook: (
            PigmentHook("pigment_metadata").get_import_configurations(SALES, BLOCK)[0].name
        ),
    }

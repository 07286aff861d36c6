"""Bloomreach Engagement, proven with the test kit."""

from __future__ import annotations

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.sandbox.bloomreach import API_IMPORT_ID, UI_IMPORT_ID
from airflow_provider_imports.testing import Conformance, Start
from tests.conftest import SAMPLES


class TestBloomreach(Conformance):
    starts = (
        Start(BloomreachStartImportOperator, {"import_id": UI_IMPORT_ID}, "start_import"),
        Start(
            BloomreachStartImportOperator,
            {"import_id": API_IMPORT_ID, "managed_by_api": True},
            "run_import",
            name="managed by API",
        ),
    )
    samples = SAMPLES / "bloomreach"
    reads = {
        "list_imports": lambda hook: hook.list_import_definitions()[0].name,
        "get_import": lambda hook: hook.get_import_definition(hook.list_import_definitions()[0].import_id).name,
        "get_customer_properties": lambda hook: hook.get_customer_properties(
            {"registered": "a@example.com"}, ["first_name"]
        ),
    }

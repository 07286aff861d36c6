"""A DAG that waits for an import for a short time only."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator

with DAG("pigment_with_timeout", schedule=None, start_date=datetime(2026, 1, 1)):
    PigmentTriggerImportOperator(
        task_id="trigger_import",
        configuration_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        deferrable=True,
        poll_interval=1,
        timeout=25,
    )

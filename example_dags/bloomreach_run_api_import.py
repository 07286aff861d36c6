"""Run an import that was made by Bloomreach's Imports Management API.

Needs the connection ``bloomreach_default`` with a project token. Bloomreach publishes no status of a run, so the task
ends as soon as it has accepted. The default ``import_id`` is the sandbox's.

Look at the task's XCom: its state is ``accepted``, since Bloomreach reports nothing more.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator

with DAG(
    dag_id="bloomreach_run_api_import",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"import_id": Param("6a1b2c3d4e5f60718293a4b5", type="string")},
    tags=["example", "bloomreach"],
    doc_md=__doc__,
):
    # [START howto_operator_bloomreach_run_import]
    BloomreachStartImportOperator(
        task_id="run_import",
        import_id="{{ params.import_id }}",
        managed_by_api=True,
        test_connection=False,  # the source is slow to answer, and known to be there
    )
    # [END howto_operator_bloomreach_run_import]

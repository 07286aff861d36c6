"""Start an import of Bloomreach Engagement once its file is ready.

Needs the connection ``bloomreach_default`` and, in Bloomreach, an import from a URL or a file storage. Bloomreach
publishes no status of a run, so the task ends as soon as it has accepted. The default ``import_id`` is the sandbox's.

Look at the task's XCom: its state is ``accepted``, since Bloomreach reports nothing more.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator

with DAG(
    dag_id="bloomreach_start_import",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={
        "import_id": Param("5f8a3b2e1c9d4e6f7a8b9c0d", type="string"),
        "path": Param("exports/customers.csv", type="string", description="Path in the import's file storage"),
    },
    tags=["example", "bloomreach"],
    doc_md=__doc__,
):
    # [START howto_operator_bloomreach_start_import]
    BloomreachStartImportOperator(
        task_id="start_import",
        import_id="{{ params.import_id }}",
        path="{{ params.path }}",  # for this run only; leave it out to load from where the import says
    )
    # [END howto_operator_bloomreach_start_import]

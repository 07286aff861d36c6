"""Import a file into a WEBSALE shop and wait, in the triggerer, until WEBSALE has processed it.

Needs the connection ``websale_default``. While another import of the service runs, the task waits for its turn.

Look at the task's XCom: ``processed`` and ``failed`` are WEBSALE's own counts.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

with DAG(
    dag_id="websale_start_and_wait",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={
        "service": Param("product", type="string"),
        "file_path": Param("/data/products.csv", type="string", description="Local path, s3://, gs://, ..."),
    },
    tags=["example", "websale"],
    doc_md=__doc__,
):
    # [START howto_operator_websale_start_import]
    WebsaleStartImportOperator(
        task_id="start_import",
        service="{{ params.service }}",
        file_path="{{ params.file_path }}",  # its suffix is the format
        if_running="wait",
        max_rejected=0.01,  # more than one per cent of failed records fails the task
        deferrable=True,
    )
    # [END howto_operator_websale_start_import]

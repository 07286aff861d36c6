"""Import the newest stock, and replace an older import of the same service that still runs.

Needs the connection ``websale_default``. The task that waited for the replaced import fails and cancels nothing.

Look at the log while an older import runs: a warning says which one was replaced.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

with DAG(
    dag_id="websale_replace",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    tags=["example", "websale"],
    doc_md=__doc__,
):
    # [START howto_operator_websale_replace]
    WebsaleStartImportOperator(
        task_id="import_stock",
        service="inventory",
        data=[{"sku": "A-1", "stock": 7}, {"sku": "A-2", "stock": 0}],
        if_running="replace",
        deferrable=True,
    )
    # [END howto_operator_websale_replace]

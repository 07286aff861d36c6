"""Cancel the running import of a service: a DAG for emergencies, triggered by hand.

Needs the connection ``websale_default``. If the last import has ended by itself,
the task fails and says how; if it was canceled already, the task is green.

Look at the task's XCom: its state is ``canceled``; the task that waited for the import fails.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.websale import WebsaleCancelImportOperator

with DAG(
    dag_id="websale_cancel",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={"service": Param("product", type="string")},
    tags=["example", "websale"],
    doc_md=__doc__,
):
    # [START howto_operator_websale_cancel_import]
    WebsaleCancelImportOperator(task_id="cancel_import", service="{{ params.service }}")
    # [END howto_operator_websale_cancel_import]

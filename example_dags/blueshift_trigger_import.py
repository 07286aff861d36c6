"""Trigger a customer attributes import of Blueshift once its file is in S3.

Needs the connection ``blueshift_default`` and, in Blueshift, a launched import task with Amazon S3 as its source that
is scheduled or recurs. Blueshift publishes no status of a run, so the task ends as soon as it has accepted. The
default ``uuid`` is the sandbox's.

Look at the task's link to Blueshift: only that page shows what became of the rows.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator

with DAG(
    dag_id="blueshift_trigger_import",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"uuid": Param("3f6b8f0e-9a3d-4c55-8a57-0c8f6f1d2a10", type="string", format="uuid")},
    tags=["example", "blueshift"],
    doc_md=__doc__,
):
    # [START howto_operator_blueshift_trigger_customer_import]
    BlueshiftTriggerCustomerImportOperator(
        task_id="trigger_import",
        uuid="{{ params.uuid }}",
    )
    # [END howto_operator_blueshift_trigger_customer_import]

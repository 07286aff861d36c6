"""Let Pigment load from one of its own integrations (S3, Snowflake, ...) and wait for it.

Needs the connection ``pigment_default`` and, in Pigment, an import configuration of the kind *Integration*.
The default ``configuration_id`` is the sandbox's.

Look at the task while it waits: it is deferred, and holds no worker.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator

with DAG(
    dag_id="pigment_trigger_and_wait",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"configuration_id": Param("7c9e6679-7425-40de-944b-e07fc1f90ae7", type="string", format="uuid")},
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    # [START howto_operator_pigment_trigger_import]
    PigmentTriggerImportOperator(
        task_id="trigger_import",
        configuration_id="{{ params.configuration_id }}",
        deferrable=True,
        poll_interval=5,
        max_rejected=0,  # one rejected row fails the task
    )
    # [END howto_operator_pigment_trigger_import]

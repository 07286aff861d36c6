"""Push a CSV file into Pigment and wait, in the triggerer, until Pigment has loaded it.

Needs the connection ``pigment_default`` and, in Pigment, an import configuration of the kind *Upload file*.
The default ``configuration_id`` is the sandbox's. Look at the task's XCom: it counts what got in and what was rejected.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

with DAG(
    dag_id="pigment_push_csv",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "file_path": Param("/data/plan.csv", type="string", description="Local path, s3://, gs://, ..."),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    # [START howto_operator_pigment_push_csv]
    PigmentPushCsvOperator(
        task_id="push_csv",
        configuration_id="{{ params.configuration_id }}",
        file_path="{{ params.file_path }}",
        deferrable=True,
        poll_interval=5,
        retries=3,  # a retry goes on with the import that an earlier try started: nothing is pushed twice
        retry_policy=import_retry_policy(),
    )
    # [END howto_operator_pigment_push_csv]

"""Push each day's file into Pigment, the days that were missed as well, one after the other and each once.

Every day has a DAG run of its own. What a task remembers of its import belongs to that run, so neither a retry nor a
catch-up takes the import of another day for its own.

Needs the connection ``pigment_default``. The default ``configuration_id`` is the sandbox's. Look at the grid after you
unpause it: one run for each day since ``start_date``, in the order of the days.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

# [START howto_daily_with_catchup]
with DAG(
    dag_id="pigment_daily_with_catchup",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=True,  # also the days on which Airflow did not run
    max_active_runs=1,  # one day after the other
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "folder": Param("s3://my_aws@plans", type="string", description="Local path, s3://, gs://, ..."),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
) as dag:
    PigmentPushCsvOperator(
        task_id="push_day",
        configuration_id="{{ params.configuration_id }}",
        file_path="{{ params.folder }}/{{ ds }}.csv",  # never "latest.csv": a late run must send its own day
        depends_on_past=True,  # a day that failed holds up the days after it
        deferrable=True,
        poll_interval=5,
        retries=3,
        retry_policy=import_retry_policy(),
    )
# [END howto_daily_with_catchup]

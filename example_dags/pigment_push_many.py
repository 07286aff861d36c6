"""Push every CSV file of a folder in object storage into Pigment, three at a time: dynamic task mapping and a pool.

Needs the connection ``pigment_default``, an import configuration of the kind *Upload file* that the files match, and a
pool that counts deferred tasks, since these wait without a worker while Pigment is busy::

    airflow pools set pigment 3 "imports at Pigment" --include-deferred

The default ``configuration_id`` is the sandbox's. Look at the grid while it runs: three of the mapped tasks are
deferred, the others are queued, and each is named after its file.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

# [START howto_push_many]
with DAG(
    dag_id="pigment_push_many",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "folder": Param("s3://my_aws@plans/2026-01", type="string", description="file://, s3://, gs://, ..."),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
):

    @task
    def list_files(folder: str) -> list[ObjectStoragePath]:
        """Name the files; their content stays where it is until it is sent."""
        return sorted(file for file in ObjectStoragePath(folder).iterdir() if file.suffix == ".csv")

    PigmentPushCsvOperator.partial(
        task_id="push_csv",
        map_index_template="{{ task.file_path.name }}",
        configuration_id="{{ params.configuration_id }}",
        pool="pigment",
        deferrable=True,
        poll_interval=5,
        min_rows=1,  # a file without rows fails its task, and no other
        retries=3,
        retry_policy=import_retry_policy(),
    ).expand(file_path=list_files("{{ params.folder }}"))
# [END howto_push_many]

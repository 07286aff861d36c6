"""One DAG updates an asset by an import; another runs for each update, and goes on only if every row got in.

The asset event carries the import's counts, so the second DAG needs no XCom of the first, and no look at Pigment.

Needs the connection ``pigment_default``. The default ``configuration_id`` is the sandbox's. Look at the second DAG
after a file with a broken row: its task ``publish`` is skipped, although the import succeeded.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, Param, task

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

log = logging.getLogger(__name__)
PLAN = Asset("pigment_sales_plan")

# [START howto_publish_if_complete]
with DAG(
    dag_id="pigment_update_plan",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "file_path": Param("/data/plan.csv", type="string", description="Local path, s3://, gs://, ..."),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    PigmentPushCsvOperator(
        task_id="push_plan",
        configuration_id="{{ params.configuration_id }}",
        file_path="{{ params.file_path }}",
        deferrable=True,
        poll_interval=5,
        retries=3,
        retry_policy=import_retry_policy(),
        outlets=[PLAN],
    )

with DAG(
    dag_id="pigment_publish_if_complete",
    schedule=[PLAN],
    start_date=datetime(2026, 1, 1),
    tags=["example", "pigment"],
    doc_md=__doc__,
):

    @task.short_circuit
    def every_row_got_in(triggering_asset_events: Any) -> bool:
        """Airflow may hand over several updates at once, so look at all of them."""
        imports = [event.extra for event in triggering_asset_events[PLAN]]
        return all(one["rejected"] == 0 and one["counts"]["inserted"] for one in imports)

    @task
    def publish() -> None:
        """Tell the readers of the plan."""
        log.info("The plan is complete")

    every_row_got_in() >> publish()
# [END howto_publish_if_complete]

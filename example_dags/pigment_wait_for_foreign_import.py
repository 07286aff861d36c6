"""Wait for an import that another system started in Pigment, and go on with what it counted.

The other system triggers this DAG, too, and passes the import's id: by the REST API of Airflow, or like this::

    airflow dags trigger pigment_wait_for_foreign_import --conf '{"import_id": "f2b03cab-ba63-4525-bd59-c597f6721973"}'

Needs the connection ``pigment_default``. Look at the sensor's XCom: it has the same shape as an operator's, but
``sent`` is empty, since another system sent the data.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_imports.sensors.pigment import PigmentImportSensor

log = logging.getLogger(__name__)

# [START howto_wait_for_foreign_import]
with DAG(
    dag_id="pigment_wait_for_foreign_import",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"import_id": Param(type="string", format="uuid", description="The importId that the start answered")},
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    wait = PigmentImportSensor(
        task_id="wait_for_import",
        import_id="{{ params.import_id }}",
        deferrable=True,
        poke_interval=5,
        timeout=timedelta(hours=2),
        max_rejected=0.05,  # more than five per cent of rejected rows fails the task
    )

    @task
    def go_on(manifest: Any) -> int:
        """Do what had to wait for the rows."""
        log.info("%s rows were inserted, %s rejected", manifest["counts"]["inserted"], manifest["rejected"])
        return int(manifest["counts"]["inserted"])

    go_on(wait.output)
# [END howto_wait_for_foreign_import]

"""Stamp a file, upload it, start the import that loads it, and wait until the stamp shows at Bloomreach Engagement.

Bloomreach publishes no status of a run. The file carries one row of its own, a canary, whose stamp is this run's; the
sensor reads that one customer until the stamp is there. It proves this row, not the others: the state is ``evidence``.

Needs the connection ``bloomreach_default``, whose key may read customer properties (*Customer properties > Get*), and
in Bloomreach an import that loads ``upload_to``. The default ids are the sandbox's, which loads the file that its
setting ``source`` names.

Look at the sensor's log: it says what the property held at each look, and at last that the state is ``evidence``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.sensors.bloomreach import BloomreachArrivalSensor

with DAG(
    dag_id="bloomreach_arrival",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    max_active_runs=1,  # a later file would overwrite the stamp that an earlier run waits for
    params={
        "import_id": Param("5f8a3b2e1c9d4e6f7a8b9c0d", type="string"),
        "upload_to": Param("file:///tmp/bloomreach_customers.csv", type="string"),
    },
    tags=["example", "bloomreach"],
    doc_md=__doc__,
):
    # [START arrival_whole]
    @task
    def stamp_and_upload(to: str, stamp: str) -> None:
        """Write the customers, and the canary as the last row."""
        rows = ["registered,first_name,import_stamp", "ada@example.com,Ada,", f"canary@example.com,Canary,{stamp}"]
        ObjectStoragePath(to).write_text("\n".join(rows) + "\n")

    start = BloomreachStartImportOperator(task_id="start_import", import_id="{{ params.import_id }}")

    # [START howto_sensor_bloomreach_arrival]
    arrived = BloomreachArrivalSensor(
        task_id="wait_for_the_stamp",
        customer_ids={"registered": "canary@example.com"},
        property_name="import_stamp",
        value="{{ run_id }}",
        deferrable=True,
        poke_interval=10,
        timeout=3 * 60 * 60,
    )
    # [END howto_sensor_bloomreach_arrival]

    stamp_and_upload("{{ params.upload_to }}", "{{ run_id }}") >> start >> arrived
    # [END arrival_whole]

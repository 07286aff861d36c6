"""Stamp a file, upload it, trigger the import that loads it, and wait until the stamp shows at Blueshift.

Blueshift publishes no status of a run. The file carries one row of its own, a canary, whose stamp is this run's; the
sensor reads that one customer until the stamp is there. It proves this row, not the others: the state is ``evidence``.

Needs the connection ``blueshift_default`` and, in Blueshift, a launched import task that loads ``upload_to`` from
Amazon S3. The default ids are the sandbox's, which loads the file that its setting ``source`` names.

Look at the sensor's log: it says what the attribute held at each look, and at last that the state is ``evidence``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.sensors.blueshift import BlueshiftArrivalSensor

with DAG(
    dag_id="blueshift_arrival",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    max_active_runs=1,  # a later file would overwrite the stamp that an earlier run waits for
    params={
        "uuid": Param("3f6b8f0e-9a3d-4c55-8a57-0c8f6f1d2a10", type="string", format="uuid"),
        "upload_to": Param("file:///tmp/blueshift_customers.csv", type="string"),
    },
    tags=["example", "blueshift"],
    doc_md=__doc__,
):

    @task
    def stamp_and_upload(to: str, stamp: str) -> None:
        """Write the customers, and the canary as the last row."""
        rows = ["email,firstname,import_stamp", "ada@example.com,Ada,", f"canary@example.com,Canary,{stamp}"]
        ObjectStoragePath(to).write_text("\n".join(rows) + "\n")

    trigger = BlueshiftTriggerCustomerImportOperator(task_id="trigger_import", uuid="{{ params.uuid }}")

    # [START howto_sensor_blueshift_arrival]
    arrived = BlueshiftArrivalSensor(
        task_id="wait_for_the_stamp",
        customer_email="canary@example.com",
        attribute="import_stamp",
        value="{{ run_id }}",
        deferrable=True,
        poke_interval=10,
        timeout=3 * 60 * 60,
    )
    # [END howto_sensor_blueshift_arrival]

    stamp_and_upload("{{ params.upload_to }}", "{{ run_id }}") >> trigger >> arrived

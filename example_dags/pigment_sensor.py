"""Start an import in one task, wait for it in another: for instance with other work between the two.

Needs the connection ``pigment_default`` and, in Pigment, an import configuration of the kind *Integration*.
The default ``configuration_id`` is the sandbox's.

Look at the XCom ``import_run`` of the first task: it names the import that the second waits for.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.sensors.pigment import PigmentImportSensor

with DAG(
    dag_id="pigment_sensor",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"configuration_id": Param("7c9e6679-7425-40de-944b-e07fc1f90ae7", type="string", format="uuid")},
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    start = PigmentTriggerImportOperator(
        task_id="start_import",
        configuration_id="{{ params.configuration_id }}",
        wait_for_completion=False,
    )

    # [START howto_sensor_pigment_import]
    wait = PigmentImportSensor(
        task_id="wait_for_import",
        import_id="{{ ti.xcom_pull(task_ids='start_import')['run']['import_id'] }}",
        deferrable=True,
        poke_interval=5,
    )
    # [END howto_sensor_pigment_import]

    start >> wait

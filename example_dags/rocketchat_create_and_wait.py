"""Make an import operation, fill and run it with the hook, and wait for its end: for users that only code can make.

Needs the connection ``rocketchat_default`` of a user with the permission ``run-import``.

Look at the XCom ``import_run`` of the first task: the others use its ``operation_id``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, task

from airflow_provider_imports.operators.rocketchat import RocketChatCreateImportOperator
from airflow_provider_imports.sensors.rocketchat import RocketChatImportSensor

with DAG(
    dag_id="rocketchat_create_and_wait",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    tags=["example", "rocketchat"],
    doc_md=__doc__,
):
    # [START howto_operator_rocketchat_create_import]
    create = RocketChatCreateImportOperator(task_id="create_import")
    # [END howto_operator_rocketchat_create_import]

    @task
    def fill_and_run() -> None:
        """Stage users of your own making, and run the import."""
        from airflow_provider_imports.hooks.rocketchat import RocketChatHook

        hook = RocketChatHook()
        hook.add_users([{"emails": ["anna@example.com"], "importIds": ["1001"], "username": "anna", "name": "Anna"}])
        hook.run_import()

    # [START howto_sensor_rocketchat_import]
    wait = RocketChatImportSensor(
        task_id="wait_for_import",
        operation_id="{{ ti.xcom_pull(task_ids='create_import')['run']['operation_id'] }}",
        deferrable=True,
        poke_interval=10,
    )
    # [END howto_sensor_rocketchat_import]

    create >> fill_and_run() >> wait

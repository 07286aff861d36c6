"""Start an import in one task, wait for it in another: for instance with other work between the two.

Needs the connection ``websale_default``.

Look at the sensor's XCom: it has the same shape as an operator's.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sensors.websale import WebsaleImportSensor

with DAG(
    dag_id="websale_sensor",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    tags=["example", "websale"],
    doc_md=__doc__,
):
    start = WebsaleStartImportOperator(
        task_id="start_import",
        service="voucher",
        data=[{"code": "SUMMER-10", "value": 10}, {"code": "SUMMER-20", "value": 20}],
        wait_for_completion=False,
    )

    # [START howto_sensor_websale_import]
    wait = WebsaleImportSensor(
        task_id="wait_for_import",
        service="voucher",
        start="{{ ti.xcom_pull(task_ids='start_import')['run']['start'] }}",
        deferrable=True,
    )
    # [END howto_sensor_websale_import]

    start >> wait

"""DAGs of Airflow's own operators only: show that scheduler, workers and triggerer run."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import DAG


def answer() -> dict[str, int]:
    print("a line in the log of the task")
    return {"answer": 42}


with DAG(
    "stock_operators",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={"file_path": ""},
):
    PythonOperator(task_id="run_on_worker", python_callable=answer)
    FileSensor(task_id="wait_in_triggerer", filepath="{{ params.file_path }}", deferrable=True, poke_interval=0.2)

with DAG("long_task", schedule=None, start_date=datetime(2026, 1, 1)):
    BashOperator(task_id="sleep_for_an_hour", bash_command="sleep 3600 & wait")

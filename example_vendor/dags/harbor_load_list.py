"""Load a list at Harbor, and wait for it in the triggerer."""

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_harbor.operators import HarborLoadListOperator

with DAG(dag_id="harbor_load_list", schedule=None, start_date=datetime(2026, 1, 1), tags=["example", "harbor"]):
    HarborLoadListOperator(task_id="load", name="customers", deferrable=True, poll_interval=0.1)

"""Push the rows of a query into Pigment and wait, in the triggerer, until Pigment has loaded them.

Needs ``pip install 'airflow-provider-imports[sql]'``, the connections ``pigment_default`` and ``warehouse`` (any
database whose hook is a ``DbApiHook``), and in Pigment an import configuration of the kind *Upload file*. The default
``configuration_id`` is the sandbox's.

Look at the task's XCom: ``sent`` counts the query's rows, and ``unaccounted`` says whether Pigment counted them all.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator

with DAG(
    dag_id="pigment_push_query",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "month": Param("2026-01-01", type="string", format="date", description="Rows from this day on"),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    # [START howto_operator_pigment_push_query]
    PigmentPushCsvOperator(
        task_id="push_query",
        configuration_id="{{ params.configuration_id }}",
        sql="SELECT month, amount FROM plan WHERE month >= %(month)s ORDER BY month",  # or a .sql file
        sql_conn_id="warehouse",
        parameters={"month": "{{ params.month }}"},
        csv_format={"delimiter": ";"},  # as the import configuration has it
        deferrable=True,
        retries=3,  # a retry goes on with the import, and does not run the query again
    )
    # [END howto_operator_pigment_push_query]

"""Import the rows of a query into a WEBSALE shop and wait, in the triggerer, until WEBSALE has processed them.

Needs ``pip install 'airflow-provider-imports[sql]'`` and the connections ``websale_default`` and ``merchandise``, a
SQLite file or any other database whose hook is a ``DbApiHook``.

Look at the task's XCom: ``sent`` counts the query's rows, ``processed`` and ``failed`` are WEBSALE's own counts.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

with DAG(
    dag_id="websale_start_query",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"below": Param(20, type="integer", description="Articles of which the shop has fewer than this")},
    tags=["example", "websale"],
    doc_md=__doc__,
):
    # [START howto_operator_websale_start_query]
    WebsaleStartImportOperator(
        task_id="start_query",
        service="inventory",
        sql="SELECT number, stock FROM article WHERE stock < :below ORDER BY number",
        sql_conn_id="merchandise",
        parameters={"below": "{{ params.below }}"},
        if_running="wait",
        min_rows=0,  # on a day without such an article there is nothing to import
        deferrable=True,
    )
    # [END howto_operator_websale_start_query]

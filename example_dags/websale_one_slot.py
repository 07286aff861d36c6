"""Two DAGs that import into the same WEBSALE service, which has one slot: they take turns, and neither ends the other.

WEBSALE runs one import per service, and a start ends the one that runs. ``if_running="wait"`` waits for any import that
occupies the slot, also for one of a person in the shop's admin pages. The pool keeps the two DAGs apart, on several
workers as well.

Needs the connection ``websale_default``, and a pool of one slot that counts deferred tasks::

    airflow pools set websale_product 1 "imports of WEBSALE's service product" --include-deferred

Look at both DAGs when you trigger them at the same time: one waits until the other has ended.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.retry_policy import import_retry_policy

# [START howto_one_slot]
IN_TURN: dict[str, Any] = {
    "pool": "websale_product",
    "if_running": "wait",
    "deferrable": True,
    "poll_interval": 5,
    "retries": 3,
    "retry_policy": import_retry_policy(),
}

with DAG(
    dag_id="websale_all_products",
    schedule=None,  # a shop would say "@daily"
    start_date=datetime(2026, 1, 1),
    params={"file_path": Param("/data/products.json", type="string")},
    tags=["example", "websale"],
    doc_md=__doc__,
):
    WebsaleStartImportOperator(
        task_id="import_products", service="product", file_path="{{ params.file_path }}", **IN_TURN
    )

with DAG(
    dag_id="websale_new_prices",
    schedule=None,  # a shop would say "@hourly"
    start_date=datetime(2026, 1, 1),
    params={"file_path": Param("/data/prices.json", type="string")},
    tags=["example", "websale"],
    doc_md=__doc__,
):
    WebsaleStartImportOperator(
        task_id="import_prices", service="product", file_path="{{ params.file_path }}", **IN_TURN
    )
# [END howto_one_slot]

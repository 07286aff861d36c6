"""Test the vendors' connections, for instance every afternoon, to notice an expired key before the night's imports.

Each task does what the *Test* button does: it logs in if the vendor has a log-in, reads something, and starts nothing.

Needs Airflow 3.1 or newer, and the connections whose ids are in the parameter ``connections``. Look at the task of a
connection that fails: its error says what the vendor answered.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, BaseHook, Param, task

# [START howto_check_connections]
with DAG(
    dag_id="check_connections",
    schedule=None,  # a company would say "0 15 * * *"
    start_date=datetime(2026, 1, 1),
    params={"connections": Param(["pigment_default", "websale_default"], type="array")},
    tags=["example"],
    doc_md=__doc__,
) as dag:

    @task
    def list_connections(params: dict[str, list[str]] | None = None) -> list[str]:
        """One task for each connection; Airflow hands over the parameters."""
        assert params is not None
        return params["connections"]

    @task(map_index_template="{{ conn_id }}")
    def check(conn_id: str) -> str:
        """Return what the vendor said, or fail with it."""
        is_good, message = BaseHook.get_hook(conn_id).test_connection()
        if not is_good:
            raise ValueError(f"{conn_id}: {message}")
        return str(message)

    check.expand(conn_id=list_connections())
# [END howto_check_connections]

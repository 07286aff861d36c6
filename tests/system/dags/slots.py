"""One import at each vendor that has one slot; the run's conf says what to do if it is taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

#: More than Rocket.Chat still creates when a running import is aborted.
USERS = 120
OPTIONS: dict[str, Any] = {
    "if_running": "{{ params.if_running }}",
    "deferrable": True,
    "poll_interval": 1,
    "max_poll_interval": 2,
}

with DAG("slots", schedule=None, start_date=datetime(2026, 1, 1), params={"if_running": Param("fail", type="string")}):
    WebsaleStartImportOperator(
        task_id="websale", conn_id="websale_slots", service="inventory", data='[{"id": "1"}]', format="json", **OPTIONS
    )
    RocketChatImportUsersOperator(
        task_id="rocketchat",
        conn_id="rocketchat_slots",
        users=[
            {
                "emails": [f"{{{{ run_id }}}}{number}@example.com"],
                "importIds": [f"{{{{ run_id }}}}{number}"],
                "username": f"{{{{ run_id }}}}{number}",
            }
            for number in range(USERS)
        ],
        **OPTIONS,
    )

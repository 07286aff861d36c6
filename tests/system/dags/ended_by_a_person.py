"""Imports that never end by themselves, for a person to end: on the triggerer in each way, and on the worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

VENDORS = ("websale", "rocketchat", "pigment")
#: What a person does; the vendors of each have a sandbox of their own.
WAYS = ("failed", "success", "cleared", "kept")
ON_WORKER = "on_worker"


def imports(way: str, **options: Any) -> None:
    options = {"poll_interval": 1, "max_poll_interval": 2, **options}
    PigmentTriggerImportOperator(
        task_id=f"pigment_{way}",
        conn_id=f"pigment_{way}",
        configuration_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        **options,
    )
    options["cancel_on_kill"] = way != "kept"
    WebsaleStartImportOperator(
        task_id=f"websale_{way}",
        conn_id=f"websale_{way}",
        service="inventory",
        data='[{"id": "1"}]',
        format="json",
        **options,
    )
    RocketChatImportUsersOperator(
        task_id=f"rocketchat_{way}",
        conn_id=f"rocketchat_{way}",
        users=[{"emails": [f"{n}@example.com"], "importIds": [f"{n}"], "username": f"u{n}"} for n in range(120)],
        **options,
    )


with DAG("ended_by_a_person", schedule=None, start_date=datetime(2026, 1, 1)):
    for way in WAYS:
        imports(way, deferrable=True)

with DAG("ended_on_the_worker", schedule=None, start_date=datetime(2026, 1, 1)):
    imports(ON_WORKER, deferrable=False)

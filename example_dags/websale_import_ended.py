"""Run when an import of a WEBSALE service has ended, no matter who started it: a person, another system, or Airflow.

Needs Airflow 3.0 or newer and the connection ``websale_default``.

Look at the triggering asset events of a run: each carries the manifest of one import.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_imports.triggers.events import ImportEndedTrigger

# [START howto_trigger_import_ended]
orders = Asset(
    "websale_orders",
    watchers=[
        AssetWatcher(
            name="order_import_ended",
            trigger=ImportEndedTrigger(name="orders", vendor="websale", slot={"service": "order"}, poll_interval=60),
        )
    ],
)

with DAG(
    dag_id="websale_import_ended",
    schedule=[orders],
    start_date=datetime(2026, 1, 1),
    tags=["example", "websale"],
    doc_md=__doc__,
):

    @task
    def summarize(triggering_asset_events: Any) -> list[dict[str, Any]]:
        """Airflow may hand over several ends at once, so look at all of them."""
        manifests = [event.extra["payload"] for event in triggering_asset_events[orders]]
        for manifest in manifests:
            print(f"{manifest['run']} ended as {manifest['state']}: {manifest['counts']}")
        return manifests

    summarize()
# [END howto_trigger_import_ended]

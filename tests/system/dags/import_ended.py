"""A run for each end of an import that somebody else started at WEBSALE; it returns the manifests it was given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_imports.triggers.events import ImportEndedTrigger

categories = Asset(
    "websale_categories",
    watchers=[
        AssetWatcher(
            name="category_import_ended",
            trigger=ImportEndedTrigger(
                name="categories", vendor="websale", slot={"service": "category"}, poll_interval=0.5
            ),
        )
    ],
)

with DAG("import_ended", schedule=[categories], start_date=datetime(2026, 1, 1)):

    @task
    def manifests(triggering_asset_events: Any) -> list[dict[str, Any]]:
        return [event.extra["payload"] for event in triggering_asset_events[categories]]

    manifests()

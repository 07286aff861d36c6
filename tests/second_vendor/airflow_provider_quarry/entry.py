"""Quarry, as its entry."""

from typing import Any

from airflow_provider_imports.get_provider_info import provider_info
from airflow_provider_imports.vendors import VendorEntry, form

QUARRY = VendorEntry(
    made_for=1,
    distribution="airflow-provider-quarry",
    conn_type="quarry",
    vendor_name="Quarry",
    docs_url="https://quarry.example/api",
    hook="airflow_provider_quarry.hooks.QuarryHook",
    stand_in="airflow_provider_quarry.sandbox.Quarry",
    operators=("airflow_provider_quarry.operators",),
    sensors=("airflow_provider_quarry.sensors",),
    ui_field_behaviour=form(
        {"login": "Client ID", "password": "Client secret"}, {"host": "https://api.quarry.example"}
    ),
    poll_interval=5,
    datasets=("pits/{pit}",),
)


def get_provider_info() -> dict[str, Any]:
    """Describe this distribution to Airflow."""
    return provider_info(QUARRY)

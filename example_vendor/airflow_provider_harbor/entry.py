"""Harbor, as its entry."""

from typing import Any

from airflow_provider_harbor.in_data.entry import HARBOR_IN_DATA
from airflow_provider_imports.get_provider_info import provider_info
from airflow_provider_imports.vendors import VendorEntry, form

HARBOR = VendorEntry(
    made_for=1,
    distribution="airflow-provider-harbor",
    conn_type="harbor",
    vendor_name="Harbor",
    docs_url="https://harbor.example/docs/imports",
    hook="airflow_provider_harbor.hooks.HarborHook",
    stand_in="airflow_provider_harbor.sandbox.Harbor",
    operators=("airflow_provider_harbor.operators",),
    sensors=("airflow_provider_harbor.sensors",),
    ui_field_behaviour=form({"password": "API key"}, {"host": "https://api.harbor.example"}, hidden=("login",)),
    datasets=("lists/{name}",),
)


def get_provider_info() -> dict[str, Any]:
    """Describe this distribution to Airflow."""
    return provider_info(HARBOR, HARBOR_IN_DATA)

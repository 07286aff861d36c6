"""Harbor's entry, and its API, as data."""

from airflow_provider_imports.service import Service
from airflow_provider_imports.vendors import VendorEntry, form

HARBOR_IN_DATA = VendorEntry(
    made_for=1,
    distribution="airflow-provider-harbor",
    conn_type="harbor_in_data",
    vendor_name="Harbor in data",
    docs_url="https://harbor.example/docs/imports",
    hook="airflow_provider_harbor.in_data.hooks.HarborHook",
    stand_in="airflow_provider_harbor.sandbox.HarborInData",
    operators=("airflow_provider_harbor.in_data.operators",),
    sensors=("airflow_provider_harbor.in_data.sensors",),
    ui_field_behaviour=form({"password": "API key"}, {"host": "https://api.harbor.example"}, hidden=("login",)),
    datasets=("lists/{name}",),
)

SERVICE: Service = {
    "default_host": "https://api.harbor.example",
    "where_to_look": "Imports > History in Harbor",
    "authorization": {"header": "X-Api-Key"},
    "parameters": {"name": "the saved list"},
    "start": {"operation": "load_list", "path": "/v1/imports", "json": {"list": "{name}"}, "id": "id"},
    "status": {
        "operation": "get_import",
        "path": "/v1/imports/{id}",
        "state": "state",
        "inserted": "loaded",
        "failed": "bad",
    },
    "states": {"working": "running", "done": "succeeded", "broken": "failed", "canceled": "canceled"},
    "cancel": {"operation": "cancel_import", "method": "DELETE", "path": "/v1/imports/{id}"},
    "test": {"operation": "list_imports", "path": "/v1/imports"},
}

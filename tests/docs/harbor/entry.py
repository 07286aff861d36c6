"""The entry "harbor" of `CONNECTION_TYPES` in airflow_provider_imports/connections.py."""

from airflow_provider_imports.connections import SHARED_FIELDS, ConnectionType, form

# [START entry]
HARBOR = ConnectionType(
    "Harbor",
    "HarborHook",
    "Harbor",
    "https://harbor.example/docs/imports",
    reports_status=True,
    ui_field_behaviour=form({"password": "API key"}, {"host": "https://api.harbor.example"}, hidden=("login",)),
    conn_fields=SHARED_FIELDS,
)
# [END entry]

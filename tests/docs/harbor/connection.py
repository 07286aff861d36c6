"""The entry of `CONNECTION_TYPES` in airflow_provider_imports/connections.py."""

from airflow_provider_imports.connections import SHARED_FIELDS, ConnectionType

# [START entry]
HARBOR = ConnectionType(
    "Harbor",
    "HarborHook",
    "https://harbor.example/docs/imports",
    reports_status=True,
    ui_field_behaviour={
        "hidden-fields": ["schema", "port", "extra", "login"],
        "relabeling": {"password": "API key"},
        "placeholders": {"host": "https://api.harbor.example"},
    },
    conn_fields=SHARED_FIELDS,
)
# [END entry]

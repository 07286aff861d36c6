"""The entry "harbor" of `VENDOR_ENTRIES` in airflow_provider_imports/vendors.py."""

from airflow_provider_imports.vendors import SHARED_FIELDS, VendorEntry, form

# [START entry]
HARBOR = VendorEntry(
    "Harbor",
    "HarborHook",
    "Harbor",
    "https://harbor.example/docs/imports",
    reports_status=True,
    ui_field_behaviour=form({"password": "API key"}, {"host": "https://api.harbor.example"}, hidden=("login",)),
    conn_fields=SHARED_FIELDS,
)
# [END entry]

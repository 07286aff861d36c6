"""Blueshift, as its entry."""

from airflow_provider_imports.vendors import VendorEntry, form, form_field

BLUESHIFT = VendorEntry(
    made_for=1,
    distribution="airflow-provider-imports",
    conn_type="blueshift",
    vendor_name="Blueshift",
    docs_url="https://developer.blueshift.com/reference/post_api-v1-customer-attributes-trigger-import",
    hook="airflow_provider_imports.hooks.blueshift.BlueshiftHook",
    stand_in="airflow_provider_imports.sandbox.blueshift.Blueshift",
    operators=("airflow_provider_imports.operators.blueshift",),
    sensors=("airflow_provider_imports.sensors.blueshift",),
    guides=("/docs/vendors/blueshift.rst",),
    reports_status=False,
    ui_field_behaviour=form(
        {"password": "User API key"},
        {"host": "leave empty for the region's own host", "password": "not the Event API key"},
        hidden=("login",),
    ),
    own_fields={
        "region": form_field(
            "Region",
            "Where your Blueshift account lives: us (default) or eu",
            enum=["us", "eu", None],
            default="us",
        ),
    },
    links=("airflow_provider_imports.operators.blueshift.BlueshiftLink",),
    poll_interval=60,
    shows_records=True,
    datasets=("import-tasks/{uuid}",),
)

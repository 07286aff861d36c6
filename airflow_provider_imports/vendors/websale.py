"""WEBSALE, as its entry."""

from airflow_provider_imports.vendors import VendorEntry, form, form_field

WEBSALE = VendorEntry(
    made_for=1,
    distribution="airflow-provider-imports",
    conn_type="websale",
    vendor_name="WEBSALE",
    docs_url="https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import",
    hook="airflow_provider_imports.hooks.websale.WebsaleHook",
    stand_in="airflow_provider_imports.sandbox.websale.Websale",
    operators=("airflow_provider_imports.operators.websale",),
    sensors=("airflow_provider_imports.sensors.websale",),
    guides=("/docs/vendors/websale.rst", "/docs/event-driven.rst"),
    ui_field_behaviour=form(
        {"host": "Shop URL", "login": "Admin e-mail", "password": "Password or API key"},
        {"host": "https://www.example-shop.de", "login": "leave empty if the password is an API key"},
    ),
    own_fields={
        "login_field": form_field(
            "Log-in field", "Field of the log-in that carries the admin (default: email; or userName)"
        ),
        "auth_header": form_field(
            "Authorization header", "Name of the header that carries the access token (default: Authorization)"
        ),
    },
    poll_interval=5,
    max_poll_interval=30,
    slot=("service",),
    datasets=("{service}",),
)

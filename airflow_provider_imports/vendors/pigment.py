"""Pigment, as its entry."""

from airflow_provider_imports.vendors import VendorEntry, form

PIGMENT = VendorEntry(
    made_for=1,
    distribution="airflow-provider-imports",
    conn_type="pigment",
    vendor_name="Pigment",
    docs_url="https://kb.pigment.com/docs/trigger-import-apis",
    hook="airflow_provider_imports.hooks.pigment.PigmentHook",
    stand_in="airflow_provider_imports.sandbox.pigment.Pigment",
    operators=("airflow_provider_imports.operators.pigment",),
    sensors=("airflow_provider_imports.sensors.pigment",),
    guides=("/docs/vendors/pigment.rst",),
    ui_field_behaviour=form(
        {"password": "API key"},
        {"host": "https://pigment.app", "password": "a key of the type Import"},
        hidden=("login",),
    ),
    poll_interval=15,
    datasets=("import-configurations/{configuration_id}", "import-configurations/{configuration}"),
)

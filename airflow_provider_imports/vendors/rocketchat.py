"""Rocket.Chat, as its entry."""

from airflow_provider_imports.vendors import VendorEntry, form

ROCKETCHAT = VendorEntry(
    made_for=1,
    distribution="airflow-provider-imports",
    conn_type="rocketchat",
    vendor_name="Rocket.Chat",
    docs_url="https://developer.rocket.chat/apidocs/import-api",
    hook="airflow_provider_imports.hooks.rocketchat.RocketChatHook",
    stand_in="airflow_provider_imports.sandbox.rocketchat.RocketChat",
    operators=("airflow_provider_imports.operators.rocketchat",),
    sensors=("airflow_provider_imports.sensors.rocketchat",),
    guides=("/docs/vendors/rocketchat.rst", "/docs/event-driven.rst"),
    ui_field_behaviour=form(
        {"host": "Workspace URL", "login": "User ID", "password": "Personal access token"},
        {"host": "https://chat.example.com", "login": "the user's ID, not the name", "password": "of that user"},
    ),
    links=("airflow_provider_imports.operators.rocketchat_workspace.RocketChatImportLink",),
    poll_interval=10,
    slot=(),
    datasets=("users",),
)

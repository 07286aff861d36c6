"""Bloomreach Engagement, as its entry."""

from airflow_provider_imports.vendors import VendorEntry, form, form_field

BLOOMREACH = VendorEntry(
    made_for=1,
    distribution="airflow-provider-imports",
    conn_type="bloomreach",
    vendor_name="Bloomreach Engagement",
    docs_url="https://documentation.bloomreach.com/engagement/reference/imports-2-1",
    hook="airflow_provider_imports.hooks.bloomreach.BloomreachHook",
    stand_in="airflow_provider_imports.sandbox.bloomreach.Bloomreach",
    operators=("airflow_provider_imports.operators.bloomreach",),
    sensors=("airflow_provider_imports.sensors.bloomreach",),
    guides=("/docs/vendors/bloomreach.rst",),
    reports_status=False,
    ui_field_behaviour=form(
        {"login": "API key ID", "password": "API secret"},
        {
            "host": "https://api.exponea.com",
            "login": "of a private-access API key",
            "password": "of the same key",
        },
    ),
    own_fields={
        "project_token": form_field(
            "Project token", "For imports of a project: Project settings > Access management > API"
        ),
        "workspace_id": form_field("Workspace ID", "For imports of a workspace, in place of the project token"),
        "api_version": form_field(
            "API version", "Of the project endpoint: v1 (default) or v2", enum=["v1", "v2", None], default="v1"
        ),
    },
    poll_interval=60,
    shows_records=True,
    datasets=("imports/{import_id}",),
)

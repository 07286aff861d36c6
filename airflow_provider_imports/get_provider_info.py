"""Entry point ``apache_airflow_provider``: loaded by every Airflow component, so it imports nothing heavy."""

from __future__ import annotations

from typing import Any

from airflow_provider_imports.vendors import VENDOR_ENTRIES

_PACKAGE = "airflow_provider_imports"


def get_provider_info() -> dict[str, Any]:
    """Describe the package to Airflow, in the form of ``provider_info.schema.json``."""
    waiting = [conn_type for conn_type, entry in VENDOR_ENTRIES.items() if entry.reports_status or entry.shows_records]
    return {
        "package-name": "airflow-provider-imports",
        "name": "Imports into business software",
        "description": "Start data imports at business software and wait for their end: "
        + ", ".join(entry.vendor_name for entry in VENDOR_ENTRIES.values()),
        "integrations": [
            {
                "integration-name": entry.vendor_name,
                "external-doc-url": entry.docs_url,
                "how-to-guide": _guides(conn_type),
                "tags": ["service"],
            }
            for conn_type, entry in VENDOR_ENTRIES.items()
        ],
        "connection-types": [
            {
                "connection-type": conn_type,
                "hook-class-name": f"{_PACKAGE}.hooks.{conn_type}.{entry.hook}",
                "hook-name": entry.vendor_name,
                "ui-field-behaviour": entry.ui_field_behaviour,
                "conn-fields": entry.conn_fields,
            }
            for conn_type, entry in VENDOR_ENTRIES.items()
        ],
        "hooks": [_modules("hooks", conn_type) for conn_type in VENDOR_ENTRIES],
        "operators": [_modules("operators", conn_type) for conn_type in VENDOR_ENTRIES],
        "sensors": [_modules("sensors", conn_type) for conn_type in waiting],
        "triggers": [
            {
                "integration-name": VENDOR_ENTRIES[conn_type].vendor_name,
                "python-modules": [f"{_PACKAGE}.triggers.{module}" for module in _triggers(conn_type)],
            }
            for conn_type in waiting
        ],
        "extra-links": [
            f"{_PACKAGE}.links.ImportLink",
            *(link for entry in VENDOR_ENTRIES.values() for link in entry.links),
        ],
    }


def _guides(conn_type: str) -> list[str]:
    page = f"/docs/vendors/{conn_type}.rst"
    return [page] if VENDOR_ENTRIES[conn_type].slot is None else [page, "/docs/event-driven.rst"]


def _triggers(conn_type: str) -> tuple[str, ...]:
    return ("imports",) if VENDOR_ENTRIES[conn_type].slot is None else ("imports", "events")


def _modules(kind: str, conn_type: str) -> dict[str, Any]:
    return {
        "integration-name": VENDOR_ENTRIES[conn_type].vendor_name,
        "python-modules": [f"{_PACKAGE}.{kind}.{conn_type}"],
    }

"""Entry point ``apache_airflow_provider``: loaded by every Airflow component, so it imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.vendors.bloomreach import BLOOMREACH
from airflow_provider_imports.vendors.blueshift import BLUESHIFT
from airflow_provider_imports.vendors.pigment import PIGMENT
from airflow_provider_imports.vendors.rocketchat import ROCKETCHAT
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_imports.vendors import VendorEntry

_PACKAGE = "airflow_provider_imports"


def get_provider_info() -> dict[str, Any]:
    """Describe this distribution to Airflow."""
    info = provider_info(BLOOMREACH, BLUESHIFT, PIGMENT, ROCKETCHAT, WEBSALE)
    info["name"] = "Imports into business software"
    info["extra-links"].insert(0, f"{_PACKAGE}.links.ImportLink")
    return info


def provider_info(*entries: VendorEntry) -> dict[str, Any]:
    """Describe a distribution's vendors to Airflow, in the form of ``provider_info.schema.json``."""
    waiting = [entry for entry in entries if entry.sensors]
    names = ", ".join(entry.vendor_name for entry in entries)
    return {
        "package-name": entries[0].distribution,
        "name": names,
        "description": f"Start data imports at business software and wait for their end: {names}",
        "integrations": [
            {
                "integration-name": entry.vendor_name,
                "external-doc-url": entry.docs_url,
                "how-to-guide": list(entry.guides),
                "tags": ["service"],
            }
            for entry in entries
        ],
        "connection-types": [
            {
                "connection-type": entry.conn_type,
                "hook-class-name": entry.hook,
                "hook-name": entry.vendor_name,
                "ui-field-behaviour": entry.ui_field_behaviour,
                "conn-fields": entry.conn_fields,
            }
            for entry in entries
        ],
        "hooks": [_modules(entry, [entry.hook.rpartition(".")[0]]) for entry in entries],
        "operators": [_modules(entry, entry.operators) for entry in entries],
        "sensors": [_modules(entry, entry.sensors) for entry in waiting],
        "triggers": [_modules(entry, _triggers(entry)) for entry in waiting],
        "extra-links": [link for entry in entries for link in entry.links],
    }


def _triggers(entry: VendorEntry) -> list[str]:
    names = ("imports",) if entry.slot is None else ("imports", "events")
    return [f"{_PACKAGE}.triggers.{name}" for name in names]


def _modules(entry: VendorEntry, modules: Sequence[str]) -> dict[str, Any]:
    return {"integration-name": entry.vendor_name, "python-modules": list(modules)}

"""
The Imports Management API at the stand-in of Bloomreach Engagement: definitions of imports.

Made from the pages "Create import" and "List imports", and from how published clients call them. What they leave open
was decided here: unknown keys are refused, names may occur twice, an active definition with the trigger ``now`` runs
once as soon as it is made, and a deletion is answered with ``{"success": true}``.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED: Mapping[str, type] = {"name": str, "trigger": dict, "source": dict, "destination": dict, "mapping": dict}
ALLOWED: Mapping[str, type] = {**REQUIRED, "active": bool}
TRIGGERS = ("now", "scheduled")
MOST_ACTIVE = 25
MOST_REPEATS = 48
"""Scheduled repeats of a definition on one day."""

EXAMPLE: Mapping[str, Any] = {
    "name": "Sandbox import",
    "trigger": {"trigger_type": "now"},
    "active": True,
    "source": {"source_type": "url", "import_url": "https://files.example.com/customers.csv", "auth": None},
    "destination": {"customer_destination": {}},
    "mapping": {
        "tz_info": "UTC",
        "column_mapping": {
            "id_mappings": [{"from_column": "email", "to_id": "registered"}],
            "property_mappings": [],
            "timestamp_column": None,
        },
    },
}


class Definitions:
    """The definitions of one project, by id, in the order in which they were made."""

    def __init__(self, first: str) -> None:
        self._all: dict[str, Mapping[str, Any]] = {first: EXAMPLE}

    def __contains__(self, import_id: str) -> bool:
        return import_id in self._all

    def create(self, definition: Any) -> str:
        """
        Store a definition; return its id.

        :raises ValueError: what is wrong with it.
        """
        self._check(definition)
        import_id = secrets.token_hex(12)
        self._all[import_id] = {"active": True, **definition}
        return import_id

    def delete(self, import_id: str) -> None:
        """Delete a definition that exists."""
        del self._all[import_id]

    def read(self, import_id: str) -> dict[str, Any]:
        """Return a definition that exists as the API shows it."""
        return {"import_id": import_id, "import_definition": self._all[import_id]}

    def runs_at_once(self, import_id: str) -> bool:
        """Tell whether a definition that was just made runs without being asked."""
        definition = self._all[import_id]
        return bool(definition["active"]) and definition["trigger"]["trigger_type"] == "now"

    def page(self, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return a page of all definitions."""
        return [self.read(import_id) for import_id in list(self._all)[offset : offset + limit]]

    def _check(self, definition: Any) -> None:
        if not isinstance(definition, dict):
            raise ValueError("the body must be an object")
        for name in REQUIRED:
            if name not in definition:
                raise ValueError(f"{name}: Missing data for required field.")
        for name, value in definition.items():
            if not isinstance(value, ALLOWED.get(name, ())):
                raise ValueError(f"{name}: {'Not a valid value' if name in ALLOWED else 'Unknown field'}.")
        trigger = definition["trigger"]
        if trigger.get("trigger_type") not in TRIGGERS or not definition["source"].get("source_type"):
            raise ValueError("trigger_type or source_type: Not a valid choice.")
        if len(trigger.get("times") or ()) > MOST_REPEATS:
            raise ValueError(f"times: at most {MOST_REPEATS} scheduled repeats a day.")
        active = sum(each.get("active", True) for each in self._all.values())
        if definition.get("active", True) and active >= MOST_ACTIVE:
            raise ValueError(f"The project has {MOST_ACTIVE} active imports already.")

"""
Evidence where a vendor publishes no status of a run: one known record (a canary) has a given value.

A file carries a record whose property is a stamp of the run. Once the vendor shows that record with that value, the
row has been imported. It proves that row, and nothing about the others: the state is ``evidence``, never ``succeeded``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports import validation
from airflow_provider_imports.http.text import cut
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names the record in the key of a run that is waited for in this way.
ARRIVAL = "arrival"
#: Characters of a value that are told.
LONGEST_VALUE = 80


def arrival_run(vendor: str, record: str, property_name: str, value: str, **place: str | None) -> ImportRun:
    """
    Make the run whose status is: does this record have this value?

    :param record: what identifies the record at the vendor
    :param property_name: the property that carries the stamp
    :param value: the stamp, a text; numbers and truth values of the vendor are compared as JSON writes them
    :param place: where to look, as far as it is not the connection's own
    :raises InvalidInputError: if something is missing
    """
    key = {
        ARRIVAL: validation.required("record", record),
        "property": validation.required("property_name", property_name),
        "value": validation.required("value", value),
    }
    return ImportRun(vendor, key | {name: one for name, one in place.items() if one is not None})


def arrival_status(run: ImportRun, record: Mapping[str, Any] | None) -> ImportStatus:
    """
    Say whether the record has arrived.

    :param record: its properties; None if the vendor does not know it
    """
    if record is None:
        return ImportStatus(ImportState.RUNNING, "no such record yet")
    name, wanted = run.key["property"], run.key["value"]
    held = _text(record.get(name))
    if held == wanted:
        told = f"the record has {name}={cut(wanted, LONGEST_VALUE)}, which proves this row and no other"
        return ImportStatus(ImportState.EVIDENCE, "arrived", message=told)
    seen = "nothing" if held is None else repr(cut(held, LONGEST_VALUE))
    return ImportStatus(ImportState.RUNNING, f"{name} is {seen} so far")


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()
    return None

"""Records that a task hands over, whatever holds them: a list, a lazy sequence of Airflow's, a DataFrame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError


def materialized(name: str, value: object) -> list[Any] | str | bytes | None:
    """
    Take records out of whatever holds them, once: a lazy sequence or a generator is read only here.

    Missing values of a DataFrame (``NaN``, ``NaT``, ``NA``) become None.

    :return: a list of the records, which are not looked at; a text, bytes and None as they are
    :raises InvalidInputError: for anything else
    """
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        raise InvalidInputError(f"{name} is a single dict; put it into a list. {validation.NOTHING}")
    if callable(to_dict := getattr(value, "to_dict", None)):
        try:
            rows: list[dict[object, object]] = to_dict("records")
        except TypeError:
            raise InvalidInputError(
                f"{name} has a to_dict() that gives no records ({type(value).__name__}); make a list of dicts of it. "
                f"{validation.NOTHING}"
            ) from None
        return [{column: _plain(cell) for column, cell in row.items()} for row in rows]
    if not isinstance(value, Iterable):
        raise InvalidInputError(
            f"{name} must be a list of dicts, not {validation.kind(value)}.{validation.hint(value)} "
            f"{validation.NOTHING}"
        )
    return list(value)


def checked(name: str, records: Sequence[object]) -> list[Mapping[str, Any]]:
    """
    Check that every record is a mapping from texts.

    :raises InvalidInputError: naming the first that is not by its position, counted from 0 as in Python
    """
    if not records:
        raise InvalidInputError(f"{name} is an empty list. {validation.NOTHING}")
    mappings: list[Mapping[str, Any]] = []
    for position, record in enumerate(records):
        if not isinstance(record, Mapping):
            nested = " Join the lists that mapped tasks gave into one." if isinstance(record, list | tuple) else ""
            raise InvalidInputError(
                f"{name}[{position}] must be a dict, not {validation.kind(record)}.{nested or validation.hint(record)} "
                f"{validation.NOTHING}"
            )
        for key in record:
            if not isinstance(key, str):
                raise InvalidInputError(
                    f"{name}[{position}] has a key that is no text but {validation.kind(key)}. {validation.NOTHING}"
                )
        mappings.append(record)
    return mappings


def json_array(name: str, records: Sequence[object]) -> bytes:
    """
    Write records as a JSON array; dates and times in ISO 8601, decimals as numbers.

    :raises InvalidInputError: for what is no mapping, or holds what JSON has no word for
    """
    texts = []
    for position, record in enumerate(checked(name, records)):
        try:
            text = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_json)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"{name}[{position}] is not JSON: {error}. {validation.NOTHING}") from None
        texts.append(validation.encodable(f"{name}[{position}]", text))
    return f"[{','.join(texts)}]".encode()


def table(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[object]]]:
    """Records as columns, in the order in which they first occur, and rows; what a record lacks is None."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    return columns, [[record.get(column) for column in columns] for record in records]


def _plain(cell: object) -> object:
    """A cell of a DataFrame as Python's own value."""
    if type(cell).__name__ == "NAType" or (cell is not None and _differs_from_itself(cell)):
        return None
    to_list = getattr(cell, "tolist", None) if type(cell).__module__ == "numpy" else None
    return cell if to_list is None else to_list()


def _differs_from_itself(cell: object) -> bool:
    return isinstance(cell, float | datetime) and cell != cell  # NaN, and NaT, which is a datetime


def _json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
        raise ValueError("a Decimal with more digits than a JSON number keeps")
    raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")

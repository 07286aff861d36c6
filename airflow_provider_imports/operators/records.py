"""Records that a task hands over, whatever holds them: a list, a lazy sequence of Airflow's, a DataFrame."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_provider_imports import validation
from airflow_provider_imports.counts import counted
from airflow_provider_imports.exceptions import InvalidInputError

#: Digits of a decimal before or after the point; more are no amount but a mistake.
MOST_DIGITS = 400
_PLAIN = frozenset({str, int, float, bool, type(None), bytes, dict, datetime, date, time, Decimal, UUID})
#: Their ``tolist`` may give a number of nanoseconds.
_TIMES_OF_NUMPY = ("datetime64", "timedelta64")


def materialized(name: str, value: object, min_rows: int | None = None) -> list[Any] | str | bytes | None:
    """
    Take records out of whatever holds them, once: a lazy sequence or a generator is read only here.

    Missing values of a DataFrame (``NaN``, ``NaT``, ``NA``) become None.

    :param min_rows: how many must get in; checked already
    :return: a list of the records, which are not looked at; a text, bytes and None as they are
    :raises InvalidInputError: for anything else, and for fewer records than must get in
    """
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    records = _records_of(name, value)
    if min_rows is not None:
        enough(name, len(records), min_rows)
    return records


def enough(source: str, rows: int, min_rows: int | None) -> None:
    """
    Check that there are as many rows as must get in; without ``min_rows``, any but none.

    :raises InvalidInputError: if there are fewer
    """
    fewest = 1 if min_rows is None else min_rows
    if rows < fewest:
        rule = "allow none with min_rows=0" if min_rows is None else f"min_rows={min_rows}"
        raise InvalidInputError(
            f"{source} gave {counted(rows, 'row')}, and at least {fewest:,} must get in ({rule}). {validation.NOTHING}"
        )


def _records_of(name: str, value: object) -> list[Any]:
    if isinstance(value, Mapping):
        raise InvalidInputError(f"{name} is a single dict; put it into a list. {validation.NOTHING}")
    if callable(to_dict := getattr(value, "to_dict", None)):
        columns = getattr(value, "columns", ())
        distinct_columns(name, columns if isinstance(columns, Iterable) else ())
        try:
            rows = to_dict("records")
        except (TypeError, ValueError):
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise InvalidInputError(
                f"{name} has a to_dict() that gives no records ({type(value).__name__}); make a list of dicts of it. "
                f"{validation.NOTHING}"
            ) from None
        return [{column: _known(cell) for column, cell in row.items()} for row in rows]
    if not isinstance(value, Iterable):
        raise InvalidInputError(
            f"{name} must be a list of dicts, not {validation.kind(value)}.{validation.hint(value)} "
            f"{validation.NOTHING}"
        )
    return [_plain_record(record) for record in value]


def distinct_columns(source: str, columns: Iterable[object]) -> None:
    """
    Check that no two columns have one name, of which one would be lost.

    :raises InvalidInputError: naming them
    """
    if twice := [str(name) for name, times in Counter(columns).items() if times > 1]:
        raise InvalidInputError(
            f"{source} has the same name twice: {', '.join(twice)[:200]}. Give each column a name of its own. "
            f"{validation.NOTHING}"
        )


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
            text = _dumped(record)
        except (TypeError, ValueError, RecursionError) as error:
            where = f"{name}[{position}]{_place(record)}"
            raise InvalidInputError(f"{where} is not JSON: {error}. {validation.NOTHING}") from None
        texts.append(validation.encodable(f"{name}[{position}]", text))
    return f"[{','.join(texts)}]".encode()


def table(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[object]]]:
    """Records as columns, in the order in which they first occur, and rows; what a record lacks is None."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    return columns, [[record.get(column) for column in columns] for record in records]


def _dumped(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_json)


def _place(record: Mapping[str, object]) -> str:
    """The key of the first value that is not JSON."""
    for key, value in record.items():
        try:
            _dumped(value)
        except (TypeError, ValueError, RecursionError):
            return f"[{key!r}]"
    return ""


def _plain_record(record: object) -> object:
    if not isinstance(record, Mapping) or _PLAIN.issuperset(map(type, record.values())):
        return record
    return {key: _plain(value) for key, value in record.items()}


def _plain(value: object) -> object:
    """A value of numpy's or pandas' as Python's own; what those have for a missing one is None."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    is_of_numpy = kind.__module__ == "numpy"
    is_array = is_of_numpy and getattr(value, "ndim", 0) != 0
    if isinstance(value, list | tuple) or (is_array and isinstance(value, Iterable)):
        return [_plain(one) for one in value]
    if kind.__name__ in ("NAType", "NaTType"):
        return None
    if is_of_numpy and kind.__name__ not in _TIMES_OF_NUMPY and hasattr(value, "tolist"):
        return value.tolist()
    return value


def _known(cell: object) -> object:
    """A cell of a DataFrame, where NaN is a missing value, too."""
    cell = _plain(cell)
    return None if isinstance(cell, float) and cell != cell else cell


def odd_decimal(value: Decimal) -> str | None:
    """Say why a decimal is no amount; None if it may be one."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return "NaN or infinity is no number"
    if abs(value.adjusted()) > MOST_DIGITS or abs(exponent) > MOST_DIGITS:
        return f"a decimal of more than {MOST_DIGITS} digits"
    return None


def _json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    plain = _plain(value)
    if plain is not value:
        return plain
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        if odd := odd_decimal(value):
            raise ValueError(odd)
        if value == value.to_integral_value():
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
        raise ValueError("a Decimal with more digits than a JSON number keeps; make a text of it")
    raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")

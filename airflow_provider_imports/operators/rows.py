"""
Rows of typed values as CSV or JSON, batch by batch, as fast as the standard library's writers.

Business tools read dates in ISO 8601, numbers without an exponent, ``true`` and ``false``; None is an empty cell or
``null``. What has no such form (bytes, lists, intervals, ``NaN``) is refused with its row and column.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from json.encoder import encode_basestring
from typing import Any, NoReturn, Protocol, TypedDict
from uuid import UUID

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators.records import distinct_columns, odd_decimal

Rule = Callable[[Any], object]
Batches = Iterable[Sequence[Sequence[object]]]


class CsvFormat(TypedDict, total=False):
    """
    How CSV is written, where it is not as by default.

    ``delimiter`` (``,``), ``encoding`` (``utf-8``), ``decimal_mark`` (``.``), ``null`` (an empty cell), ``true`` and
    ``false`` (as words), ``date_format`` and ``datetime_format`` (for ``strftime``; by default ISO 8601).
    """

    delimiter: str
    encoding: str
    decimal_mark: str
    null: str
    true: str
    false: str
    date_format: str
    datetime_format: str


class Output(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class _RefusedError(ValueError):
    """A value that has no form; its text says why."""


def check_csv_format(form: object) -> CsvFormat:
    """
    Check how CSV is to be written.

    :raises InvalidInputError: naming the key
    """
    if not isinstance(form, Mapping):
        raise InvalidInputError(f"csv_format must be a dict, not {validation.kind(form)}. {validation.NOTHING}")
    checked: CsvFormat = {}
    for name, value in form.items():
        if name not in CsvFormat.__annotations__ or not isinstance(value, str):
            raise InvalidInputError(
                f"csv_format must map some of {', '.join(CsvFormat.__annotations__)} to texts, not {str(name)[:60]!r} "
                f"to {validation.kind(value)}. {validation.NOTHING}"
            )
        checked[name] = validation.encodable(f"csv_format[{name!r}]", value)  # type: ignore[literal-required]  # checked above
    for name in ("delimiter", "decimal_mark"):
        mark = checked.get(name, ".")
        if not isinstance(mark, str) or len(mark) != 1 or mark in '"\r\n' or mark.isalnum():
            raise InvalidInputError(f"csv_format[{name!r}] must be a single character, not {mark!r}. Nothing was sent.")
    _check_encoding(checked.get("encoding", "utf-8"))
    return checked


def _check_encoding(encoding: str) -> None:
    try:
        written: object = codecs.getincrementalencoder(encoding)().encode("a,b")
    except (LookupError, TypeError, ValueError):  # unknown, or no encoding of texts
        written = None
    if not isinstance(written, bytes) or not written:
        raise InvalidInputError(
            f"csv_format['encoding'] must be an encoding of texts that Python knows, such as 'utf-8' or 'cp1252', not "
            f"{encoding[:60]!r}. {validation.NOTHING}"
        )


def write_csv(out: Output, source: str, columns: Sequence[str], batches: Batches, form: CsvFormat) -> int:
    """
    Write CSV with the columns' names in its first line (RFC 4180: quotes where needed, lines end in CR LF).

    :param source: where the rows are from, for errors
    :return: how many rows
    :raises InvalidInputError: naming row and column of a value without a form
    """
    if not columns:
        raise InvalidInputError(f"{source} has no columns. {validation.NOTHING}")
    _check_columns(source, columns)
    encode = codecs.getincrementalencoder(form.get("encoding", "utf-8"))().encode
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=form.get("delimiter", ","), lineterminator="\r\n")
    writer.writerow(columns)
    count = 0
    as_is: frozenset[type] = frozenset({str, int} if form.get("null") else {str, int, type(None)})
    for batch in batches:
        cells = _converted(source, columns, batch, count, _csv_rules(form), as_is)
        writer.writerows(zip(*cells, strict=True))
        _encode(out, encode, buffer, source, columns, cells, count)
        count += len(batch)
    if not count:
        _encode(out, encode, buffer, source, columns, [], 0)
    return count


def write_json(
    out: Output, source: str, columns: Sequence[str], batches: Batches, *, lines: bool = False, lists: bool = False
) -> int:
    """
    Write a JSON array of objects.

    :param source: where the rows are from, for errors
    :param lines: write one object a line instead
    :param lists: take lists of texts as well
    :return: how many rows
    :raises InvalidInputError: naming row and column of a value without a form
    """
    _check_columns(source, columns)
    rules = {**_JSON_RULES, list: _json_list, tuple: _json_list} if lists else _JSON_RULES
    template = ",".join(f"{encode_basestring(name)}:".replace("%", "%%") + "%s" for name in columns)
    buffer = io.StringIO(newline="")
    count = 0
    buffer.write("" if lines else "[")
    for batch in batches:
        cells = _converted(source, columns, batch, count, rules, frozenset())
        if count:
            buffer.write("\n" if lines else ",\n")
        buffer.write(("\n" if lines else ",\n").join([f"{{{template}}}" % row for row in zip(*cells, strict=True)]))
        _encode(out, _utf8, buffer, source, columns, cells, count)
        count += len(batch)
    out.write(b"" if lines else b"]" if count else b"[]")
    return count


def _check_columns(source: str, columns: Sequence[str]) -> None:
    distinct_columns(source, columns)
    if not all(isinstance(name, str) and name.strip() for name in columns):
        raise InvalidInputError(
            f"{source} has a column without a name. Give each column a name of its own. {validation.NOTHING}"
        )


def _utf8(text: str) -> bytes:
    return text.encode()


def _encode(
    out: Output,
    encode: Callable[[str], bytes],
    buffer: io.StringIO,
    source: str,
    columns: Sequence[str],
    cells: Sequence[Sequence[object]],
    count: int,
) -> None:
    """Hand on what is in the buffer."""
    try:
        out.write(encode(buffer.getvalue()))
    except UnicodeEncodeError as error:
        for name, column in zip(columns, cells, strict=False):
            for row, cell in enumerate(column, count + 1):
                if any(one in str(cell) for one in error.object[error.start : error.end]):
                    _refuse(source, row, name, f"a character that {error.encoding} can't write")
        raise InvalidInputError(
            f"{source}: the name of a column has a character that {error.encoding} can't write. {validation.NOTHING}"
        ) from None
    buffer.seek(0)
    buffer.truncate()


def _converted(
    source: str,
    columns: Sequence[str],
    batch: Sequence[Sequence[object]],
    count: int,
    rules: Mapping[type, Rule],
    as_is: frozenset[type],
) -> list[Sequence[object]]:
    """The batch's columns with every value in its form; a column of texts or whole numbers costs next to nothing."""
    return [
        column
        if (kinds := set(map(type, column))) <= as_is
        else _column(source, name, column, count, {kind: _rule_of(kind, rules) for kind in kinds})
        for name, column in zip(columns, zip(*batch, strict=True), strict=True)
    ]


def _column(
    source: str, name: str, column: Sequence[object], count: int, rules: Mapping[type, Rule]
) -> Sequence[object]:
    try:
        if len(rules) == 1:
            return list(map(next(iter(rules.values())), column))
        return [rules[type(value)](value) for value in column]
    except _RefusedError:
        for row, value in enumerate(column, count + 1):
            try:
                rules[type(value)](value)
            except _RefusedError as error:
                _refuse(source, row, name, str(error))
        raise


def _refuse(source: str, row: int, name: str, problem: str) -> NoReturn:
    raise InvalidInputError(
        f"{source}, row {row:,}, column {name!r}: {problem}. Make a text or a number of it first (in SQL: CAST), or "
        f"leave the column out. {validation.NOTHING}"
    ) from None


def _rule_of(kind: type, rules: Mapping[type, Rule]) -> Rule:
    return next((rules[one] for one in kind.__mro__ if one in rules), partial(_no_form, kind.__name__))


def _no_form(kind: str, value: object) -> NoReturn:
    raise _RefusedError(f"a value of type {kind} has no form that an import reads")


def _float(value: float) -> str:
    """Plain digits, as many as tell this number from every other."""
    text = float.__repr__(value)
    if not math.isfinite(value):
        raise _RefusedError(f"{text} is no number")
    return format(Decimal(text), "f") if "e" in text else text


def _decimal(value: Decimal) -> str:
    if odd := odd_decimal(value):
        raise _RefusedError(odd)
    return format(value, "f")


def _csv_rules(form: CsvFormat) -> Mapping[type, Rule]:
    mark, null = form.get("decimal_mark", "."), form.get("null", "")
    words = {True: form.get("true", "true"), False: form.get("false", "false")}
    day, moment = form.get("date_format"), form.get("datetime_format")
    return {
        str: str.__str__,
        int: int.__repr__,
        type(None): lambda value: null,
        bool: words.__getitem__,
        float: _float if mark == "." else lambda value: _float(value).replace(".", mark),
        Decimal: _decimal if mark == "." else lambda value: _decimal(value).replace(".", mark),
        date: date.isoformat if day is None else lambda value: value.strftime(day),
        datetime: datetime.isoformat if moment is None else lambda value: value.strftime(moment),
        time: time.isoformat,
        UUID: str,
    }


def _json_list(value: Sequence[object]) -> str:
    if not all(isinstance(one, str | int) for one in value):
        raise _RefusedError("a list of something else than texts and whole numbers")
    return json.dumps(value, ensure_ascii=False)


_JSON_RULES: Mapping[type, Rule] = {
    str: encode_basestring,
    int: int.__repr__,
    type(None): lambda value: "null",
    bool: {True: "true", False: "false"}.__getitem__,
    float: _float,
    Decimal: _decimal,
    date: lambda value: f'"{value.isoformat()}"',
    datetime: lambda value: f'"{value.isoformat()}"',
    time: lambda value: f'"{value.isoformat()}"',
    UUID: lambda value: f'"{value}"',
}

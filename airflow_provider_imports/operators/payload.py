"""What a user wants to send: a file, a small piece of data, or the rows of a query."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.models import Sent
from airflow_provider_imports.operators.records import checked, json_array, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.http.call import Body
    from airflow_provider_imports.http.files import FilePath
    from airflow_provider_imports.operators.rows import Batches, CsvFormat
    from airflow_provider_imports.operators.sql_source import Query


class Payload(NamedTuple):
    """
    What is to be sent, opened and checked.

    :param body: the bytes, or where they are read from while they are sent
    :param sent: what that is, as far as it is known
    :param version: tells one content from another: a file by its size and time of change, rows by a hash of all; None
        for data, which is an input already
    """

    body: Body | bytes
    sent: Sent
    version: str | None = None

    def completed_by(self, note: Callable[[], None]) -> bool:
        """
        Say whether the vendor gets it in pieces, so that it has the whole only with the last one.

        :param note: is then called just before the last piece is handed over
        """
        if isinstance(self.body, bytes) or not hasattr(self.body, "before_last_piece"):
            return False
        self.body.before_last_piece = note
        return True


def exactly_one(**sources: object) -> None:
    """
    Check that there is one thing to send.

    :param sources: each possible parameter by its name
    :raises InvalidInputError: unless exactly one of them is not None
    """
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        *names, last = sources
        raise InvalidInputError(
            f"Give exactly one of {', '.join(names)} and {last}, not {' and '.join(given) or 'none'} (a template that "
            f"rendered to nothing gives none). {validation.NOTHING}"
        )


def csv_format_given(form: object) -> CsvFormat:
    """
    Check how CSV is to be written.

    :raises InvalidInputError: naming the key
    """
    if form is None:  # nothing to load when a DAG file is parsed
        return {}
    from airflow_provider_imports.operators.rows import check_csv_format

    return check_csv_format(form)


def open_payload(
    file_path: FilePath | None,
    data: object,
    query: Query | None = None,
    chosen: str = "csv",
    csv_format: CsvFormat | None = None,
) -> Payload:
    """
    Open what is to be sent, before anything is sent.

    :param file_path: a local path, an object-storage URI or an ``ObjectStoragePath``
    :param data: the content itself: a text, bytes, or records (see
        :func:`~airflow_provider_imports.operators.records.materialized`)
    :param query: whose rows to send; it runs now
    :param chosen: the vendor's format that records and rows are written in: ``csv`` or ``json``
    :param csv_format: how CSV is written
    :raises InvalidInputError: if it is empty, or can't be sent
    :raises FileNotFoundError: if there is no such file (yet, or on this worker: a retry may find it)
    :raises QueryFailedError: if the database does not give the rows
    """
    if query is not None:
        return _rows_of(query, chosen, csv_format)
    if file_path is not None:
        from airflow_provider_imports.http.body import FileBody

        body = FileBody(file_path_given(file_path))
        return Payload(body, Sent(bytes=len(body)), body.version)
    if isinstance(data, list):
        content = json_array("data", data) if chosen == "json" else _csv(data, csv_format)
        return Payload(content, Sent(len(data), len(content)))
    content = _bytes_of(data)
    return Payload(content, Sent(bytes=len(content)))


def file_path_given(value: object) -> FilePath:
    """
    Check the path of a file.

    :raises InvalidInputError: unless it is a text that is not empty, an ``os.PathLike`` or an ``ObjectStoragePath``
    """
    from airflow_provider_imports.http.files import is_object

    if isinstance(value, os.PathLike) or is_object(value):
        return value
    if value is None or isinstance(value, str):
        return validation.required("file_path", value)
    raise InvalidInputError(
        f"file_path must be a text, an os.PathLike or an ObjectStoragePath, not {validation.kind(value)}."
        f"{validation.hint(value)} {validation.NOTHING}"
    )


def _rows_of(query: Query, chosen: str, csv_format: CsvFormat | None) -> Payload:
    from airflow_provider_imports.http.body import SpooledBody
    from airflow_provider_imports.operators.rows import write_csv, write_json

    body = SpooledBody(f"rows of {query.conn_id}")

    def write(columns: list[str], batches: Batches) -> int:
        if chosen == "json":
            return write_json(body, "sql", columns, batches)
        return write_csv(body, "sql", columns, batches, csv_format or {})

    rows = query.run(write)
    return Payload(body, Sent(rows, len(body)), body.version)


def _csv(records: list[object], csv_format: CsvFormat | None) -> bytes:
    import io

    from airflow_provider_imports.operators.rows import write_csv

    out = io.BytesIO()
    columns, rows = table(checked("data", records))
    write_csv(out, "data", columns, [rows], csv_format or {})
    return out.getvalue()


def _bytes_of(data: object) -> bytes:
    from airflow_provider_imports.http.files import GZIP, packed_otherwise

    validation.rendered_to_nothing("data", data)
    content = validation.encodable("data", data).encode() if isinstance(data, str) else data
    if not isinstance(content, bytes):
        raise InvalidInputError(
            f"data must be a text, bytes or a list of dicts, not {validation.kind(data)}.{validation.hint(data)} "
            f"{validation.NOTHING}"
        )
    if not content.strip():
        raise InvalidInputError(f"data is empty. {validation.NOTHING}")
    if content.startswith(GZIP) or packed_otherwise(content):
        raise InvalidInputError(
            "data is packed (gzip, zip or alike), which the vendor can't read. Unpack it; a file with gzip is unpacked "
            f"while it is sent (file_path). {validation.NOTHING}"
        )
    return content

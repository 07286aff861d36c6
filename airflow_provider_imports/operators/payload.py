"""What a user wants to send: a file, or a small piece of data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from airflow_provider_imports.http.body import FileBody
    from airflow_provider_imports.http.files import FilePath


def exactly_one(file_path: object, data: object) -> None:
    """
    Check that there is one thing to send.

    :raises InvalidInputError: unless exactly one of them is given
    """
    if (file_path is None) == (data is None):
        raise InvalidInputError("Give exactly one of file_path and data. Nothing was sent.")


def open_payload(file_path: FilePath | None, data: str | bytes | None) -> FileBody | bytes:
    """
    Open what is to be sent, before anything is sent.

    :param file_path: a local path, or a URI that ``ObjectStoragePath`` understands
    :param data: the content itself
    :raises InvalidInputError: unless exactly one of them is given, and is not empty
    :raises FileNotFoundError: if there is no such file (yet, or on this worker: a retry may find it)
    """
    exactly_one(file_path, data)
    if file_path is not None:
        from airflow_provider_imports.http.body import FileBody

        return FileBody(file_path_given(file_path))
    return _bytes_of(data)


def file_path_given(value: object) -> FilePath:
    """
    Check the path of a file.

    :raises InvalidInputError: unless it is a text that is not empty, an ``os.PathLike`` or an ``ObjectStoragePath``
    """
    if isinstance(value, os.PathLike) or hasattr(value, "protocol"):  # the latter is an ObjectStoragePath
        return value  # type: ignore[return-value]
    if value is None or isinstance(value, str):
        return validation.required("file_path", value)
    raise InvalidInputError(
        f"file_path must be a text, an os.PathLike or an ObjectStoragePath, not {validation.kind(value)}."
        f"{validation.hint(value)} Nothing was sent."
    )


def _bytes_of(data: object) -> bytes:
    from airflow_provider_imports.http.files import GZIP, packed_otherwise

    validation.rendered_to_nothing("data", data)
    content = validation.encodable("data", data).encode() if isinstance(data, str) else data
    if not isinstance(content, bytes):
        raise InvalidInputError(
            f"data must be a text or bytes, not {validation.kind(data)}.{validation.hint(data)} Nothing was sent."
        )
    if not content.strip():
        raise InvalidInputError("data is empty. Nothing was sent.")
    if content.startswith(GZIP) or packed_otherwise(content):
        raise InvalidInputError(
            "data is packed (gzip, zip or alike), which the vendor can't read. Unpack it; a file with gzip is unpacked "
            "while it is sent (file_path). Nothing was sent."
        )
    return content


def version_of(payload: FileBody | bytes | None) -> object:
    """Tell one content from another: a file by its size and time of change, data by itself (it is an input already)."""
    return None if payload is None or isinstance(payload, bytes) else payload.version

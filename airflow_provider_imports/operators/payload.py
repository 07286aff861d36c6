"""What a user wants to send: a file, or a small piece of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from airflow_provider_imports.http.body import FileBody


def exactly_one(file_path: object, data: object) -> None:
    """
    Check that there is one thing to send.

    :raises InvalidInputError: unless exactly one of them is given
    """
    if (file_path is None) == (data is None):
        raise InvalidInputError("Give exactly one of file_path and data. Nothing was sent.")


def open_payload(file_path: str | None, data: str | bytes | None) -> FileBody | bytes:
    """
    Open what is to be sent, before anything is sent.

    :param file_path: a local path, or a URI that ``ObjectStoragePath`` understands
    :param data: the content itself
    :raises InvalidInputError: unless exactly one of them is given, and is not empty
    :raises FileNotFoundError: if there is no such file (yet, or on this worker: a retry may find it)
    """
    exactly_one(file_path, data)
    if file_path is not None:
        return _open_file(validation.required("file_path", file_path))
    content = data.encode() if isinstance(data, str) else data
    if not isinstance(content, bytes):
        raise InvalidInputError(f"data must be a text or bytes, not {type(data).__name__}. Nothing was sent.")
    if not content.strip():
        raise InvalidInputError("data is empty. Nothing was sent.")
    return content


def _open_file(file_path: str) -> FileBody:
    from airflow_provider_imports.http.body import FileBody

    try:
        return FileBody(file_path)
    except ValueError as error:  # a folder, an empty file, or a scheme that no installed provider knows
        told = str(error).removesuffix(" Nothing was sent.").rstrip(".")
        raise InvalidInputError(f"file_path: {told}. Nothing was sent.") from error


def version_of(payload: FileBody | bytes | None) -> object:
    """Tell one content from another: a file by its size and time of change, data by itself (it is an input already)."""
    return None if payload is None or isinstance(payload, bytes) else payload.version

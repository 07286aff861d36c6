"""Request bodies from files: a known length, constant memory, progress in the log."""

from __future__ import annotations

import logging
import os
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_provider_imports.http.call import UnreadableBodyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.providers.common.compat.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

#: Bytes handed to the connection at a time; also about what an upload holds in memory.
CHUNK = 1 << 20
#: A line in the log after every this many bytes, and after every tenth of the file.
PROGRESS_BYTES = 64 << 20


_NO_FILE = (
    "There is no file {!r}, seen from this worker. Put it where every worker can read it, or in object storage. "
    "Nothing was sent."
)


class FileBody:
    """
    A file as a request body: opened when it is sent, never read whole, of a length known before.

    :param path: a local path, or any URI that ``ObjectStoragePath`` understands (``s3://``, ``gs://``, ``file://``)
    :param conn_id: the Airflow connection for the object storage, if it needs one
    :raises FileNotFoundError: if there is no such file
    :raises ValueError: if it is a folder, or empty
    """

    def __init__(self, path: str, conn_id: str | None = None) -> None:
        self.name = path
        self._path = open_path(path, conn_id)
        if not self._path.exists():
            raise FileNotFoundError(_NO_FILE.format(path))
        if self._path.is_dir():
            raise ValueError(f"{path!r} is a folder, not a file. Nothing was sent.")
        self._size = int(self._path.stat().st_size)
        if not self._size:
            raise ValueError(f"The file {path!r} is empty. Nothing was sent.")
        self._handed_over = False

    def __len__(self) -> int:
        """Size in bytes, as it will be announced to the vendor."""
        return self._size

    @property
    def handed_over(self) -> bool:
        """True once every byte has been handed to the connection."""
        return self._handed_over

    @property
    def version(self) -> str:
        """Tell this content of the file from another: size and time of change, where the storage has one."""
        stat = self._path.stat()
        changed = getattr(stat, "st_mtime", None)
        return f"{self._size}:{changed}"

    def __iter__(self) -> Iterator[bytes]:
        """
        Read the file piece by piece.

        :raises UnreadableBodyError: if it can't be read to its announced length; the vendor then gets an incomplete
            request
        """
        self._handed_over, sent, told = False, 0, 0
        step = max(PROGRESS_BYTES, self._size // 10)
        with self._open() as file:
            while chunk := self._read(file, min(CHUNK, self._size - sent)):
                yield chunk
                sent += len(chunk)
                if sent - told >= step and sent < self._size:
                    told = sent
                    log.info("Uploading %s: %s of %s", self.name, _size(sent), _size(self._size))
        if sent != self._size:
            raise UnreadableBodyError(
                f"{self.name!r} ended after {sent:,} bytes instead of {self._size:,}: it changed meanwhile"
            )
        self._handed_over = True
        log.info("Uploaded %s: %s", self.name, _size(sent))

    def _open(self) -> IO[bytes]:
        try:
            return self._path.open("rb")
        except Exception as error:  # whatever the storage's library raises
            raise UnreadableBodyError(f"{self.name!r} can't be opened ({type(error).__name__})") from error

    def _read(self, file: IO[bytes], count: int) -> bytes:
        try:
            return file.read(count)
        except Exception as error:  # whatever the storage's library raises
            raise UnreadableBodyError(f"{self.name!r} can't be read ({type(error).__name__})") from error


def open_path(path: str, conn_id: str | None = None) -> Path | ObjectStoragePath:
    """Find a local path or an object-storage URI."""
    local = urlsplit(path).scheme in ("file", "local")  # Airflow 2 knows no local://
    if "://" in path and not local:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        return ObjectStoragePath(path, conn_id=conn_id)
    from pathlib import Path

    if local and "://" in path:
        return Path(unquote(path.partition("://")[2].removeprefix("localhost")))
    return Path(os.path.expanduser(path))


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    if count < 1e6:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.2f} GB"

"""Request bodies that are streamed: a known length, constant memory, progress in the log."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import weakref
from typing import IO, TYPE_CHECKING

from airflow_provider_imports.http.call import UnreadableBodyError
from airflow_provider_imports.http.files import CHUNK, SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.http.files import FilePath

log = logging.getLogger(__name__)

#: A line in the log after every this many bytes, and after every tenth of the body.
PROGRESS_BYTES = 64 << 20


class StreamedBody:
    """
    A body that is read piece by piece, each time it is sent.

    :param name: what it is, for the log
    :param size: its bytes, as they will be announced to the vendor
    """

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        #: Called just before the last piece is handed over; what it raises leaves the request incomplete.
        self.before_last_piece: Callable[[], None] | None = None
        self._size = size
        self._handed_over = False

    def pieces(self) -> Iterator[bytes]:
        """Read it from its beginning."""
        raise NotImplementedError(f"{type(self).__name__} has no pieces()")

    def __len__(self) -> int:
        """Size in bytes, as it will be announced to the vendor."""
        return self._size

    @property
    def handed_over(self) -> bool:
        """True once every byte has been handed to the connection."""
        return self._handed_over

    def __iter__(self) -> Iterator[bytes]:
        """
        Hand it over piece by piece; the last piece only once its end was seen to be where it was announced.

        :raises UnreadableBodyError: if it can't be read as it was announced; the vendor then gets an incomplete request
        """
        self._handed_over, sent, told = False, 0, 0
        step = max(PROGRESS_BYTES, self._size // 10)
        held = b""
        for piece in self.pieces():
            if held:
                yield held
                sent += len(held)
                if sent - told >= step:
                    told = sent
                    log.info("Uploading %s: %s of %s", self.name, _size(sent), _size(self._size))
            held = piece
        if sent + len(held) != self._size:
            raise UnreadableBodyError(f"{self.name!r} ended after {sent + len(held):,} of {self._size:,} bytes")
        if self.before_last_piece is not None:
            self.before_last_piece()
        yield held
        self._handed_over = True
        log.info("Uploaded %s: %s", self.name, _size(self._size))


class FileBody(StreamedBody):
    """
    A file as a request body: opened when it is sent, never read whole. gzip is unpacked on the way.

    :param path: a local path, any URI that ``ObjectStoragePath`` understands (``s3://``, ``gs://``, ``file://``), or
        such an object
    :param conn_id: the Airflow connection for the object storage, if it needs one
    :raises FileNotFoundError: if there is no such file
    :raises InvalidInputError: if it is no file (a folder, a FIFO, a device), empty, or can't be read
    """

    def __init__(self, path: FilePath, conn_id: str | None = None) -> None:
        self._file = SourceFile(path, conn_id)
        super().__init__(self._file.name, self._file.size)

    @property
    def version(self) -> str:
        """Tell this content of the file from another: size and time of change, where the storage has one."""
        return self._file.version

    def pieces(self) -> Iterator[bytes]:
        """Read the file; its end is an error if it changed since it was announced."""
        return self._file.pieces(CHUNK)


class SpooledBody(StreamedBody):
    """
    A body that is written first, into a temporary file without a name: the system removes it with the process.

    :param name: what it is, for the log
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, 0)
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="airflow-provider-imports-")  # noqa: SIM115  # open as long as we are
        weakref.finalize(self, self._file.close)
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """
        Add to it.

        :raises OSError: if the temporary folder (``TMPDIR``) is full
        """
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise OSError(
                error.errno,
                f"What is to be sent does not fit into the temporary folder {tempfile.gettempdir()} "
                f"({error.strerror}). Make room there, or set TMPDIR for the worker. Nothing was sent.",
            ) from error
        self._hash.update(data)
        self._size += len(data)

    @property
    def version(self) -> str:
        """Tell this content from another."""
        return self._hash.hexdigest()

    def pieces(self, size: int = CHUNK) -> Iterator[bytes]:
        """Read the temporary file."""
        self._file.seek(0)
        while piece := self._file.read(size):
            yield piece


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    if count < 1e6:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.2f} GB"

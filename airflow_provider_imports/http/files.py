"""A user's file, on this machine or in object storage: checked before it is used, and unpacked while it is read."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.http.call import UnreadableBodyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from typing_extensions import TypeIs

    FilePath = str | os.PathLike[str] | ObjectStoragePath

#: Bytes that are read at a time. An upload holds two of them in memory: what is sent, and what is next.
CHUNK = 1 << 19
#: A gzip file may unpack to so many bytes, and beyond that to so many times its size.
MOST_UNPACKED, LARGEST_RATIO = 1 << 30, 200
GZIP = b"\x1f\x8b"

#: Bytes that tell how a file is packed: the first block of a tar archive.
_HEAD = 512
#: Packed files that are not unpacked, by the bytes that they begin with.
_OTHER_PACKED = {
    b"PK\x03\x04": "a zip archive (or an Excel workbook)",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"7z\xbc\xaf": "a 7z archive",
}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
#: What an object storage tells of one content of an object and not of another.
_MARKS = ("size", "mtime", "LastModified", "last_modified", "updated", "ETag", "etag", "generation", "VersionId")
_CHANGED = "{!r} changed since it was opened to be sent"
#: Errors of a path that no retry cures.
_FOR_GOOD = frozenset({errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EINVAL})


class Reader(Protocol):
    """Something to read bytes from."""

    def read(self, size: int, /) -> bytes: ...


class SourceFile:
    """
    A file to send: nothing else than a regular file or an object, of one content, which the user may read.

    gzip, whatever the file's name, is unpacked while it is read.

    :param path: a local path, any URI that ``ObjectStoragePath`` understands (``s3://``, ``gs://``, ``file://``), or
        such an object, whose own connection and storage options are used
    :param conn_id: the Airflow connection for the object storage, if neither path nor URI names one
    :raises FileNotFoundError: if there is no such file (yet, or on this worker: a retry may find it)
    :raises InvalidInputError: if it is a folder, a FIFO or a device, empty, unreadable, or packed in a way that is not
        understood
    :raises UnreadableBodyError: if the storage does not answer; a retry may help
    """

    def __init__(self, path: FilePath, conn_id: str | None = None) -> None:
        self.name = shown(path)
        self._path = open_path(path, conn_id)
        self._marks, self.stored_size, self.version = self._look()
        if not self.stored_size:
            raise InvalidInputError(f"The file {self.name!r} is empty. Nothing was sent.")
        self.size = self.stored_size
        self._packed = False
        head = self._head()
        if problem := packed_otherwise(head):
            raise InvalidInputError(f"The file {self.name!r} is {problem}. Unpack it, or use gzip. Nothing was sent.")
        if head.startswith(GZIP):
            self._packed = True
            self.size = self._unpacked_size()
        elif suffix_of(path, packed=True) == ".gz":
            raise InvalidInputError(f"The file {self.name!r} is named .gz, but it is not gzip. Nothing was sent.")

    def pieces(self, size: int = CHUNK) -> Iterator[bytes]:
        """
        Read the file to its end.

        :raises UnreadableBodyError: if it can't be read, or is not the file any more that it was; after its last piece
        """
        self._check_unchanged()
        total = 0
        with self._open() as file:
            while piece := self._read(file, size):
                total += len(piece)
                if total > self.size:
                    raise UnreadableBodyError(_CHANGED.format(self.name))
                yield piece
        self._check_unchanged()
        if total != self.size:
            raise UnreadableBodyError(_CHANGED.format(self.name))

    def _check_unchanged(self) -> None:
        try:
            marks = self._look()[0]
        except (OSError, InvalidInputError) as error:  # gone, or something else by now
            raise UnreadableBodyError(_CHANGED.format(self.name)) from error
        if marks != self._marks:
            raise UnreadableBodyError(_CHANGED.format(self.name))

    def _head(self) -> bytes:
        """The first bytes, which also shows that the file can be read."""
        try:
            with self._open() as file:
                return self._read(file, _HEAD)
        except UnreadableBodyError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FOR_GOOD:
                raise self._unreadable(error.__cause__) from error
            raise

    def _unpacked_size(self) -> int:
        """Count what gzip unpacks to; the length of a request is announced before its first byte."""
        most = max(MOST_UNPACKED, LARGEST_RATIO * self.stored_size)
        total = 0
        try:
            with self._open() as file:
                while piece := self._read(file, CHUNK):
                    if not total and (inner := "gzip" if piece.startswith(GZIP) else packed_otherwise(piece)):
                        raise InvalidInputError(f"The file {self.name!r} is {inner} within gzip. Nothing was sent.")
                    total += len(piece)
                    if total > most:
                        raise InvalidInputError(
                            f"The file {self.name!r} unpacks to more than {LARGEST_RATIO} times its size, which looks "
                            "like a mistake or an attack. Unpack it yourself if it is neither. Nothing was sent."
                        )
        except UnreadableBodyError as error:
            if isinstance(error.__cause__, gzip.BadGzipFile | EOFError | zlib.error):
                raise InvalidInputError(
                    f"The file {self.name!r} begins like gzip, but is broken or incomplete. Nothing was sent."
                ) from error
            raise
        if not total:
            raise InvalidInputError(f"The file {self.name!r} is gzip of nothing. Nothing was sent.")
        return total

    def _look(self) -> tuple[object, int, str]:
        """What tells this content from another; its size; the same for a record that is kept."""
        try:
            if not is_object(self._path):
                seen = os.stat(self._path)
                self._check_kind(seen.st_mode)
                return (seen.st_ino, seen.st_size, seen.st_mtime_ns), seen.st_size, f"{seen.st_size}:{seen.st_mtime}"
            self._path.fs.invalidate_cache()  # a listing that the storage's library keeps knows nothing of a change
            info = self._path.stat()
            told: Mapping[str, object] = info if isinstance(info, Mapping) else {}
            if told.get("type") == "directory":
                self._check_kind(stat.S_IFDIR)
            size = int(info.st_size)
            return [told.get(mark) for mark in _MARKS], size, f"{size}:{getattr(info, 'st_mtime', None)}"
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(
                f"There is no file {self.name!r}, seen from this worker. Put it where every worker can read it, or in "
                "object storage. Nothing was sent."
            ) from error
        except InvalidInputError:
            raise
        except ValueError as error:  # a scheme without its provider, or a character that no path has
            raise InvalidInputError(f"The path {self.name!r} can't be used: {error}. Nothing was sent.") from error
        except Exception as error:  # whatever the storage's library raises
            if isinstance(error, OSError) and error.errno in _FOR_GOOD:
                raise self._unreadable(error) from error
            raise UnreadableBodyError(
                f"{self.name!r} can't be looked at ({type(error).__name__}). Check the storage and its connection; a "
                "retry looks again. Nothing was sent."
            ) from error

    def _check_kind(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "something else")
            raise InvalidInputError(f"{self.name!r} is {kind}, not a file. Nothing was sent.")

    def _unreadable(self, error: OSError) -> InvalidInputError:
        return InvalidInputError(
            f"The file {self.name!r} can't be read ({type(error).__name__}: {error.strerror}). Check its permissions "
            "for the user that runs the worker. Nothing was sent."
        )

    @contextmanager
    def _open(self) -> Iterator[Reader]:
        with ExitStack() as stack:
            try:
                if not is_object(self._path):
                    stored: IO[bytes] = stack.enter_context(open(self._path, "rb", opener=_without_waiting))
                    self._check_kind(os.fstat(stored.fileno()).st_mode)
                else:
                    open_object: Callable[[str], IO[bytes]] = self._path.open
                    stored = stack.enter_context(open_object("rb"))
                file: Reader = stack.enter_context(gzip.GzipFile(fileobj=stored)) if self._packed else stored
            except InvalidInputError:
                raise
            except Exception as error:  # whatever the storage's library raises
                raise UnreadableBodyError(f"{self.name!r} can't be opened ({type(error).__name__})") from error
            yield file

    def _read(self, file: Reader, count: int) -> bytes:
        try:
            return file.read(count)
        except Exception as error:  # whatever the storage's library raises
            raise UnreadableBodyError(f"{self.name!r} can't be read ({type(error).__name__})") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open; a FIFO that has taken the file's place would keep us waiting for somebody who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def packed_otherwise(head: bytes) -> str | None:
    """Say how something is packed that begins like this; None if it is not, or by gzip."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((words for magic, words in _OTHER_PACKED.items() if head.startswith(magic)), None)


def is_object(path: object) -> TypeIs[ObjectStoragePath]:
    """Tell an ``ObjectStoragePath`` from other paths without importing it; on Airflow 2 it is a ``Path``, too."""
    return hasattr(path, "protocol") and hasattr(path, "fs")


def open_path(path: FilePath, conn_id: str | None = None) -> Path | ObjectStoragePath:
    """
    Find a local path or an object in a storage.

    :raises InvalidInputError: if no installed provider knows the scheme
    """
    if is_object(path):
        if path.protocol not in ("", "file", "local"):
            return path
        path = path.path
    text = os.fsdecode(path)
    scheme, separator, rest = text.partition("://")
    if separator and scheme in ("file", "local"):  # Airflow 2 knows no local://
        return Path(unquote(rest.removeprefix("localhost")))
    if separator:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        try:
            return ObjectStoragePath(text, conn_id=conn_id)
        except (ValueError, ImportError) as error:
            raise InvalidInputError(f"The path {shown(text)!r} can't be used: {error}. Nothing was sent.") from error
    return Path(os.path.expanduser(text))


def shown(path: FilePath) -> str:
    """A path as a message may show it: without a password, and without the signature of a signed address."""
    text = str(path) if is_object(path) else os.fsdecode(path)
    if "://" not in text:
        return text
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    if ":" in user:
        parts = parts._replace(netloc=f"{user.partition(':')[0]}:***{at}{host}")
    return (parts._replace(query="", fragment="") if parts.scheme in ("http", "https") else parts).geturl()


def suffix_of(path: FilePath, packed: bool = False) -> str:
    """
    Find the suffix that tells a file's format, in lower case: ``.csv`` for ``users.csv`` and ``users.CSV.gz``.

    :param packed: keep ``.gz``
    """
    name = PurePosixPath(shown(path))
    suffix = name.suffix.lower()
    return name.with_suffix("").suffix.lower() if suffix == ".gz" and not packed else suffix

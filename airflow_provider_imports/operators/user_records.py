"""Users to import, one after the other: from a list, or from a file that is never held whole."""

from __future__ import annotations

import codecs
import csv
import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators.payload import file_path_given

if TYPE_CHECKING:
    from airflow_provider_imports.http.files import FilePath, SourceFile

log = logging.getLogger(__name__)

#: Bytes of a file that are read at a time.
CHUNK = 1 << 16
#: Characters of one record at most; what is longer is no user record but a broken file.
LONGEST_RECORD = 1 << 20
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LIST_SEPARATOR = re.compile(r"[|;]")
_SPACE = " \t\r\n"

#: A record and where it stands, in words: ``user 3 (line 4)``.
Placed = tuple[str, object]


class UnreadableFileError(InvalidInputError):
    """The file is not what its suffix says; nothing was sent."""


class UserRecords:
    """
    The user records of a list or a file, as often as they are asked for.

    :param users: the records themselves
    :param file_path: a local path or an object-storage URI; ``.json`` (an array of objects), ``.jsonl`` or
        ``.ndjson`` (one object a line), or ``.csv`` (with the field names in the first line, lists separated by ``|``
        or ``;``); UTF-8. Give this or ``users``
    :raises InvalidInputError: unless exactly one of them is given, or if the suffix is none of these
    :raises FileNotFoundError: if there is no such file
    """

    def __init__(self, users: object, file_path: FilePath | None) -> None:
        if (users is None) == (file_path is None):
            raise InvalidInputError("Give exactly one of users and file_path. Nothing was sent.")
        if file_path is None and (not isinstance(users, Sequence) or isinstance(users, str | bytes)):
            raise InvalidInputError(
                f"users must be a list of dicts, not {type(users).__name__}. A template gives a text; use the upstream "
                "task's .output, or render_template_as_native_obj of the Dag. Nothing was sent."
            )
        self._users: Sequence[object] = users if isinstance(users, Sequence) else ()
        self._file: SourceFile | None = None
        if file_path is not None:
            self._open(file_path)

    @property
    def version(self) -> object:
        """Tell this content of the file from another, by size and time of change; None for a list."""
        return None if self._file is None else self._file.version

    def __iter__(self) -> Iterator[Placed]:
        """
        Read the records in order, each with its place in words.

        :raises UnreadableFileError: if the file is not what its suffix says
        """
        if self._file is None:
            for position, record in enumerate(self._users, 1):
                yield f"user {position:,}", record
        else:
            yield from self._read(_text(self._file))

    def _open(self, file_path: FilePath) -> None:
        from airflow_provider_imports.http.files import SourceFile, suffix_of

        suffix = suffix_of(file_path_given(file_path))
        if suffix not in _READERS:
            raise InvalidInputError(
                f"file_path must end in one of {', '.join(sorted(_READERS))}, not {suffix or 'nothing'!r}. "
                "Nothing was sent."
            )
        self._read = _READERS[suffix]
        self._file = SourceFile(file_path)


def in_batches(records: Iterable[Placed], size: int) -> Iterator[list[object]]:
    """Group records, without their places, into lists of ``size``; the last may be shorter."""
    batch: list[object] = []
    for _, record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(file: SourceFile) -> Iterator[str]:
    """Read a file piece by piece."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    try:
        for piece in file.pieces(CHUNK):
            yield decode(piece)
        yield decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"The file is not UTF-8 ({error.reason}). Nothing was sent.") from error


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Split text into lines that keep their ends; a line never grows beyond :data:`LONGEST_RECORD`."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from (f"{line}\n" for line in whole)
        if len(rest) > LONGEST_RECORD:
            raise UnreadableFileError(
                f"The file has a line of more than {LONGEST_RECORD:,} characters. Nothing was sent."
            )
    if rest:
        yield rest


def _read_json_lines(pieces: Iterable[str]) -> Iterator[Placed]:
    for number, line in enumerate(_lines(pieces), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnreadableFileError(f"Line {number:,} is not JSON. Nothing was sent.") from error
            yield f"user of line {number:,}", record


def _read_json_array(pieces: Iterable[str]) -> Iterator[Placed]:
    """Decode an array's objects one by one, as soon as each is complete."""
    reader = _ArrayReader(pieces)
    reader.expect("[", "a JSON array must begin with '['; for one object a line use the suffix .jsonl")
    position = 0
    end = reader.peek() == "]"
    while not end:
        position += 1
        yield f"user {position:,}", reader.object(position)
        if reader.peek() != "]":
            reader.expect(",", f"there must be ',' or ']' after object {position:,}")
        else:
            end = True
    reader.expect("]", "the array must end with ']'")
    if reader.peek():
        raise UnreadableFileError("There is something after the end of the JSON array. Nothing was sent.")


class _ArrayReader:
    """A window that moves over the text of a JSON array."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._window = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._window) and self._window[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._more():
                return ""

    def expect(self, character: str, problem: str) -> None:
        """Go past this character."""
        if self.peek() != character:
            raise UnreadableFileError(f"The file can't be read: {problem}. Nothing was sent.")
        self._at += 1

    def object(self, position: int) -> object:
        """Decode the object that begins here."""
        if self.peek() != "{":
            raise UnreadableFileError(f"Element {position:,} of the JSON array is no object. Nothing was sent.")
        while True:
            try:
                value, self._at = self._decode(self._window, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._window) - self._at > LONGEST_RECORD or not self._more():
                    raise UnreadableFileError(
                        f"Object {position:,} of the JSON array can't be read, or has no end. Nothing was sent."
                    ) from error
            else:
                return value

    def _more(self) -> bool:
        """Move the window on by one piece."""
        for piece in self._pieces:
            if piece:
                self._window, self._at = self._window[self._at :] + piece, 0
                return True
        return False


def _read_csv(pieces: Iterable[str]) -> Iterator[Placed]:
    rows = csv.reader(_lines(pieces), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(header)
        for position, row in enumerate((row for row in rows if row), 1):
            where = f"user {position:,} (line {rows.line_num:,})"
            if len(row) != len(header):
                raise UnreadableFileError(
                    f"The {where} has {len(row)} cells, the header {len(header)}. Nothing was sent."
                )
            yield where, {name: _cell(name, cell) for name, cell in zip(header, row, strict=True) if cell.strip()}
    except csv.Error as error:
        raise UnreadableFileError(f"Line {rows.line_num:,} is not CSV: {error}. Nothing was sent.") from error


def _check_header(header: list[str]) -> None:
    from airflow_provider_imports.hooks.rocketchat.users import FIELDS

    unknown = [name for name in header if name not in FIELDS]
    if unknown or len(set(header)) != len(header) or not header:
        problem = (
            f"unknown: {', '.join(map(repr, unknown[:10]))}" if unknown else "one is there twice, or there is none"
        )
        raise UnreadableFileError(
            f"The first line of a CSV file must name the fields ({problem}; known: {', '.join(FIELDS)}). "
            "Nothing was sent."
        )


def _cell(name: str, cell: str) -> object:
    """Give a cell the type of its field; one that does not fit stays a text, which the check refuses."""
    if name in ("emails", "importIds", "roles"):
        return [part.strip() for part in _LIST_SEPARATOR.split(cell) if part.strip()]
    if name == "deleted":
        return _TRUTH.get(cell.strip().lower(), cell)
    if name == "utcOffset":
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell


_READERS = {
    ".json": _read_json_array,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_csv,
}

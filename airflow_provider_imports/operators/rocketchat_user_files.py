"""Files of user records (CSV, an array of JSON objects, one object a line): one after the other, none guessed."""

from __future__ import annotations

import codecs
import csv
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Characters of one record at most; what is longer is no user record but a broken file.
LONGEST_RECORD = 1 << 20

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LIST_SEPARATOR = re.compile(r"[|;]")
_LISTS = ("emails", "importIds", "roles")
_SPACE = " \t\r\n"

#: A record and where it stands, in words: ``user 3 (line 4)``.
Placed = tuple[str, object]


class UnreadableFileError(InvalidInputError):
    """The file is not what its suffix says; nothing was sent."""


class Unreadable(NamedTuple):
    """
    Stands where a record should be.

    :param problem: goes on after where that is
    """

    problem: str


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """
    Read a file's bytes as UTF-8.

    :raises UnreadableFileError: if they are something else
    """
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    try:
        for piece in pieces:
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
    """Read one object a line; blank lines count as lines, and as nothing else."""
    position = 0
    for number, line in enumerate(_lines(pieces), 1):
        if line.strip():
            position += 1
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = Unreadable("is not JSON")
            yield f"user {position:,} (line {number:,})", record


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
    rows = csv.reader(_lines(pieces), strict=True, skipinitialspace=True)
    try:
        header = fields_of([name.strip() for name in next(rows, [])])
        position, line = 0, rows.line_num + 1
        for row in rows:
            if any(cell.strip() for cell in row):
                position += 1
                yield f"user {position:,} (line {line:,})", _record(header, row)
            line = rows.line_num + 1
    except csv.Error as error:
        raise UnreadableFileError(f"Line {rows.line_num:,} is not CSV: {error}. Nothing was sent.") from error


def _record(header: Sequence[str], row: Sequence[str]) -> object:
    if len(row) != len(header):
        return Unreadable(f"has {len(row)} cells, the header {len(header)}")
    return {name: typed(name, cell) for name, cell in zip(header, row, strict=True) if cell.strip()}


def fields_of(header: Sequence[str], any_case: bool = False) -> list[str]:
    """
    Find the fields that a header means.

    :param any_case: databases change the case of names
    :raises UnreadableFileError: if it names an unknown one, one twice, or none
    """
    from airflow_provider_imports.hooks.rocketchat.users import FIELDS

    spelt = {name.lower(): name for name in FIELDS} if any_case else {}
    fields = [spelt.get(name.lower(), name) for name in header]
    unknown = [name for name in fields if name not in FIELDS]
    if unknown or len(set(fields)) != len(fields) or not fields:
        problem = (
            f"unknown: {', '.join(map(repr, unknown[:10]))}" if unknown else "one is there twice, or there is none"
        )
        what = "columns of the query" if any_case else "first line of a CSV file"
        raise UnreadableFileError(
            f"The {what} must name the fields ({problem}; known: {', '.join(FIELDS)}). Nothing was sent."
        )
    return fields


def typed(name: str, cell: str) -> object:
    """Give a cell the type of its field; one that does not fit stays a text, which the check refuses."""
    if name == "password":
        return cell  # blanks around it may be part of it
    text = cell.strip()
    if name in _LISTS:
        return [part.strip() for part in _LIST_SEPARATOR.split(text) if part.strip()]
    if name == "deleted":
        return _TRUTH.get(text.lower(), text)
    if name == "utcOffset":
        try:
            return text if "_" in text else float(text)
        except ValueError:
            return text
    return text


def read_query(fields: Sequence[str], pieces: Iterable[str]) -> Iterator[Placed]:
    """
    Read back the rows of a query, which were written as one JSON object a line.

    :param fields: the fields that its columns are, in their order
    """
    for position, line in enumerate(_lines(pieces), 1):
        row: dict[str, Any] = json.loads(line)
        cells = zip(fields, row.values(), strict=True)
        yield f"user {position:,}", {name: _of_query(name, cell) for name, cell in cells if cell not in (None, "")}


def _of_query(name: str, cell: Any) -> object:
    if isinstance(cell, str):
        return typed(name, cell)
    return [cell] if name in _LISTS and not isinstance(cell, list) else cell


READERS = {
    ".json": _read_json_array,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_csv,
}
"""How to read the text of a file, by its suffix."""

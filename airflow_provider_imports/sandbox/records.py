"""Counting the records of a body while it streams in. Memory does not grow with the body."""

from __future__ import annotations

import codecs
import csv
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_RECORD = 16 * 2**20
SAMPLES = 5
SAMPLE_LENGTH = 200
QUOTED = re.compile(rb'"[^"]*"')
SEPARATORS = b",;\t|"


class Records:
    """What is known of the records of a body. A subclass reads one format, piece by piece."""

    def __init__(self) -> None:
        self.total = 0
        """Records, good and bad."""
        self.failed = 0
        """Records that cannot be imported."""
        self.samples: list[str] = []
        """The first of those."""
        self.broken = ""
        """Why the body cannot be read to its end; empty if it can."""
        self.fields: set[str] = set()
        """Fields that any record has."""

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body."""
        raise NotImplementedError

    def finish(self) -> None:
        """Take the end of the body."""
        raise NotImplementedError

    def _reject(self, sample: str) -> None:
        self.failed += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(sample[:SAMPLE_LENGTH])


class CsvRecords(Records):
    """
    Rows of a CSV after its header. One with too few or too many fields has failed.

    Quotes, and line breaks in quotes, are understood; what stands in quotes is left out of the samples. Encodings in
    which ASCII bytes stand for something else (UTF-16) are not.
    """

    def __init__(self) -> None:
        super().__init__()
        self._separator: bytes | None = None
        self._separators_in_row = 0
        self._line: list[bytes] = []
        self._in_quotes = False

    def feed(self, chunk: bytes) -> None:
        if self._separator is None:
            chunk = self._read_header(chunk)
        if self._in_quotes or b'"' in chunk:
            chunk = self._without_quoted(chunk)
        end = chunk.rfind(b"\n") + 1
        if end == 0:
            self._line.append(chunk)
            return
        block = b"".join([*self._line, chunk[:end]])
        self._line = [chunk[end:]]
        self._check_rows(block)

    def finish(self) -> None:
        if any(self._line):  # the last line may lack the line break
            self.feed(b'"\n' if self._in_quotes else b"\n")

    def _read_header(self, chunk: bytes) -> bytes:
        """Read the first line as soon as it is whole; return what follows it."""
        line = b"".join([*self._line, chunk])
        end = line.find(b"\n")
        while end >= 0 and line.count(b'"', 0, end) % 2:
            end = line.find(b"\n", end + 1)
        if end < 0:
            self._line = [line]
            return b""
        self._line, rest = [], line[end + 1 :]
        line = line[:end].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
        outside_quotes = QUOTED.sub(b"", line)
        self._separator = max((bytes([byte]) for byte in SEPARATORS), key=outside_quotes.count)
        self._separators_in_row = outside_quotes.count(self._separator)
        names = csv.reader([line.decode(errors="replace")], delimiter=self._separator.decode())
        self.fields = {name.strip() for name in next(names, [])}
        return rest

    def _without_quoted(self, chunk: bytes) -> bytes:
        """Replace quoted text, line breaks and separators included, by an empty pair of quotes."""
        if self._in_quotes:
            end = chunk.find(b'"')
            if end < 0:
                return b""
            chunk = chunk[end + 1 :]
            self._in_quotes = False
        chunk = QUOTED.sub(b'""', chunk)
        if chunk.count(b'"') % 2:
            chunk = chunk[: chunk.rfind(b'"')] + b'""'
            self._in_quotes = True
        return chunk

    def _check_rows(self, block: bytes) -> None:
        separator, wanted = self._separator or b",", self._separators_in_row
        lines = [line for line in block.split(b"\n") if line not in (b"", b"\r")]
        self.total += len(lines)
        for line in lines:
            if line.count(separator) != wanted:
                self._reject(line.decode(errors="replace").rstrip("\r"))


class JsonRecords(Records):
    """
    Records of a JSON array, or the single one of a JSON object. What is not an object with a field, has
    failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._text = ""
        self._in_array: bool | None = None
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        if self.broken:
            return
        self._text += self._decode(chunk)
        position = 0
        while (after := self._next(position)) is not None:
            position = after
        self._text = self._text[position:]
        if len(self._text) > LARGEST_RECORD:
            self.broken = "a record is too large, or the JSON is malformed"

    def finish(self) -> None:
        if not self.broken and (self._text.strip() or not self._ended):
            self.broken = "the JSON is malformed"

    def _next(self, position: int) -> int | None:
        """Read one token or record; return where it ends, or ``None`` if more of the body is needed."""
        text = self._text
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if position == len(text) or self._ended:
            return None
        if self._in_array is None:
            self._in_array = text[position] == "["
            if self._in_array:
                return position + 1
        elif text[position] == "]":
            self._ended = True
            return position + 1
        elif text[position] == ",":
            return position + 1
        try:
            record, end = json.JSONDecoder().raw_decode(text, position)
        except json.JSONDecodeError:
            return None
        if end == len(text) and self._in_array:
            return None  # a number may go on in the next piece
        self._add(record)
        self._ended = not self._in_array
        return end

    def _add(self, record: Any) -> None:
        self.total += 1
        if isinstance(record, dict) and record:
            if len(self.fields) < 1000:
                self.fields.update(record)
            return
        self._reject(json.dumps(record))


class XmlRecords(Records):
    """Records of an XML document: the children of its root. One without any content has failed."""

    def __init__(self) -> None:
        super().__init__()
        self._parser: Any = ElementTree.XMLPullParser(("start", "end"))
        self._open: list[ElementTree.Element] = []

    def feed(self, chunk: bytes) -> None:
        self._read(lambda: self._parser.feed(chunk))

    def finish(self) -> None:
        self._read(self._parser.close)

    def _read(self, go_on: Callable[[], object]) -> None:
        try:
            if not self.broken:
                go_on()
                self._take_events()
        except ElementTree.ParseError as error:
            self.broken = f"the XML is malformed: {error}"

    def _take_events(self) -> None:
        for event, element in self._parser.read_events():
            if event == "start":
                self._open.append(element)
                continue
            self._open.pop()
            if len(self._open) == 1:
                self._add(element)
                self._open[0].clear()

    def _add(self, element: ElementTree.Element) -> None:
        self.total += 1
        self.fields.update(child.tag for child in element)
        if not len(element) and not element.attrib and not (element.text or "").strip():
            self._reject(f"<{element.tag}/>")

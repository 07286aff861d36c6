"""Counting the records of a JSON or XML body while it streams in. Memory does not grow with the body."""

from __future__ import annotations

import codecs
import json
from typing import Any, Protocol
from xml.etree import ElementTree

from airflow_provider_imports.sandbox.counting import SAMPLE_LENGTH, SAMPLES, CsvCounter

LARGEST_RECORD = 16 * 2**20


class RecordCounter(Protocol):
    """Takes a body piece by piece."""

    @property
    def total(self) -> int:
        """Records, good and bad."""

    @property
    def failed(self) -> int:
        """Records that cannot be imported."""

    @property
    def samples(self) -> list[str]:
        """The first of those."""

    @property
    def broken(self) -> str:
        """Why the body cannot be read to its end; empty if it can."""

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body."""

    def finish(self) -> None:
        """Take the end of the body."""

    def has_field(self, name: str) -> bool:
        """Tell whether any record has such a field."""


class CountedRecords:
    """What is known of records while they are counted."""

    def __init__(self) -> None:
        self.total = 0
        self.failed = 0
        self.samples: list[str] = []
        self.broken = ""
        self._fields: set[str] = set()

    def has_field(self, name: str) -> bool:
        return name in self._fields

    def _reject(self, sample: str) -> None:
        self.failed += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(sample)


class JsonRecords(CountedRecords):
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
            if len(self._fields) < 1000:
                self._fields.update(record)
            return
        self._reject(json.dumps(record)[:SAMPLE_LENGTH])


class XmlRecords(CountedRecords):
    """Records of an XML document: the children of its root. One without any content has failed."""

    def __init__(self) -> None:
        super().__init__()
        self._parser: Any = ElementTree.XMLPullParser(("start", "end"))
        self._open: list[ElementTree.Element] = []

    def feed(self, chunk: bytes) -> None:
        if self.broken:
            return
        try:
            self._parser.feed(chunk)
            self._read()
        except ElementTree.ParseError as error:
            self.broken = f"the XML is malformed: {error}"

    def finish(self) -> None:
        if self.broken:
            return
        try:
            self._parser.close()
            self._read()
        except ElementTree.ParseError as error:
            self.broken = f"the XML is malformed: {error}"

    def _read(self) -> None:
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
        self._fields.update(child.tag for child in element)
        if not len(element) and not element.attrib and not (element.text or "").strip():
            self._reject(f"<{element.tag}/>")


class CsvRecords(CsvCounter):
    """Records of a CSV; malformed rows have failed."""

    broken = ""

    @property
    def total(self) -> int:
        """Rows after the header."""
        return self.rows

    @property
    def failed(self) -> int:
        """Malformed rows."""
        return self.malformed

    def has_field(self, name: str) -> bool:
        """Tell whether the header has such a field."""
        return name in (self.header or [])

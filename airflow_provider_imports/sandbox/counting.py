"""Counting the records of a body while it streams in. Memory does not grow with the body."""

from __future__ import annotations

import csv
import re

QUOTED = re.compile(rb'"[^"]*"')
SEPARATORS = b",;\t|"
SAMPLES = 5
SAMPLE_LENGTH = 200


class CsvCounter:
    """
    Counts the rows of a CSV and those whose number of fields is not the header's.

    A small body is checked row by row; a big one must not slow its sender down, so after the first
    :data:`EXACT_BYTES` blocks (of some hundred kilobytes) are added up first: a block whose separators are as
    many as its rows need is taken for well-formed, any other is checked row by row. There, rows with too many
    fields go unnoticed if rows with too few of the same block make up for them. After :data:`SUMMED_BYTES`
    only line breaks are counted. Quotes, and line breaks in quotes, are understood throughout. Encodings in
    which ASCII bytes stand for something else (UTF-16) are not.
    """

    EXACT_BYTES = 8 * 2**20
    SUMMED_BYTES = 64 * 2**20

    def __init__(self) -> None:
        self.header: list[str] | None = None
        """Field names, once the first line was seen."""
        self.rows = 0
        """Rows after the header, good and bad."""
        self.malformed = 0
        """Rows with too few or too many fields."""
        self.samples: list[str] = []
        """The first malformed rows; what stood in quotes is left out of them."""
        self._separator = b","
        self._separators_in_row = 0
        self._line = b""
        self._in_quotes = False
        self._seen = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body."""
        if self.header is None:
            chunk = self._read_header(chunk)
        self._seen += len(chunk)
        block = chunk
        if self._in_quotes or b'"' in chunk:
            block = self._without_quoted(chunk)
        end = block.rfind(b"\n") + 1
        if end == 0:
            self._line += block
            return
        if self._line:
            block, end = self._line + block, end + len(self._line)
        self._line = block[end:]
        self._lines(block[:end])

    def finish(self) -> None:
        """Take the end of the body: its last line may lack the line break."""
        if self._line:
            self.feed(b'"\n' if self._in_quotes else b"\n")

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

    def _lines(self, block: bytes) -> None:
        if self._seen <= self.EXACT_BYTES:
            self._check_rows(block)
            return
        rows = block.count(b"\n")
        if self._seen <= self.SUMMED_BYTES and (
            not self._separators_in_row or block.count(self._separator) != rows * self._separators_in_row
        ):
            self._check_rows(block)
            return
        self.rows += rows

    def _read_header(self, chunk: bytes) -> bytes:
        """Read the first line as soon as it is whole; return what follows it."""
        self._line += chunk
        end = self._line.find(b"\n")
        while end >= 0 and self._line.count(b'"', 0, end) % 2:
            end = self._line.find(b"\n", end + 1)
        if end < 0:
            return b""
        line, rest, self._line = self._line[:end], self._line[end + 1 :], b""
        line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
        outside_quotes = QUOTED.sub(b"", line)
        self._separator = max((bytes([byte]) for byte in SEPARATORS), key=outside_quotes.count)
        self._separators_in_row = outside_quotes.count(self._separator)
        fields = csv.reader([line.decode(errors="replace")], delimiter=self._separator.decode())
        self.header = [name.strip() for name in next(fields, [])]
        return rest

    def _check_rows(self, block: bytes) -> None:
        separator, wanted = self._separator, self._separators_in_row
        lines = block.split(b"\n")
        lines.pop()
        blank = lines.count(b"") + lines.count(b"\r")
        self.rows += len(lines) - blank
        bad = [line for line in lines if line.count(separator) != wanted and line not in (b"", b"\r")]
        self.malformed += len(bad)
        for line in bad[: SAMPLES - len(self.samples)]:
            self.samples.append(line[:SAMPLE_LENGTH].decode(errors="replace").rstrip("\r"))

"""
From the bytes of an answer to values that are safe to tell, with an end to everything: bytes, texts, values, depth.

The limits leave room for many times what any vendor documents. They also bound how long one answer can hold the event
loop, on which thousands wait: whatever an answer is, it is cut first, and looked at afterwards.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_imports.http.secrets import NO_SECRETS, Secrets
from airflow_provider_imports.http.text import LONGEST_TEXT, MASK, clean

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of a good answer that are read; a call may ask for more. A larger one is an error.
LARGEST_ANSWER = 1 << 20
#: The same for an answer that lists what became of every row.
LARGEST_REPORT = 2 << 20
#: Bytes of any other answer that are read. Of a larger one the rest is left out.
LARGEST_ERROR = 1 << 16
#: Commas and opening brackets in JSON.
MOST_VALUES = 12_000
DEEPEST = 64
#: Characters with escapes that are decoded in search of our secrets, in one answer. Texts behind them are not told.
MOST_DECODED = 6_000
#: What one text costs besides, in characters.
_EACH = 300
_LONGEST_NUMBER = 100
_MOST_MEMBERS = 16
_GZIP = b"\x1f\x8b"


class BrokenAnswerError(ValueError):
    """A good answer can't be read to its end: it is too large, or its compression is broken."""


class Reading:
    """
    A body as it arrives, decompressed by the piece; never more of it is kept than its limit.

    :param status: of the answer
    :param coding: its ``Content-Encoding``
    :param largest: bytes that a good answer may have
    """

    __slots__ = ("_decompress", "_good", "_left", "_limit", "_pieces", "_received")

    def __init__(self, status: int, coding: str, largest: int) -> None:
        self._good = 200 <= status < 300
        self._limit = self._left = largest if self._good else LARGEST_ERROR
        self._received = 0
        self._pieces: list[bytes] = []
        name = coding.strip().lower()
        self._decompress = None if name in ("", "identity") else _Decompression(name)

    def add(self, piece: bytes) -> bool:
        """
        Take a piece as it was received.

        :return: False if what follows is of no use any more
        :raises BrokenAnswerError: for a good answer
        """
        self._received += len(piece)
        if self._decompress is None:
            kept = piece
        else:
            try:
                kept = self._decompress(piece, self._left + 1)
            except zlib.error as error:
                return self._give_up(f"its compression is broken: {error}")
        self._pieces.append(kept[: self._left])
        if len(kept) > self._left or self._received > self._limit:
            self._left = 0
            return self._give_up(f"it is larger than {self._limit:,} bytes")
        self._left -= len(kept)
        return True

    def content(self) -> bytes:
        """
        All of it, once there is no more.

        :raises BrokenAnswerError: if it is a good answer whose compressed body has no end
        """
        if self._decompress is not None and self._received and not self._decompress.ended:
            self._give_up("its compressed body is cut short")
        return self.cut()

    def cut(self) -> bytes:
        """As much of it as was kept."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _give_up(self, reason: str) -> bool:
        if self._good:
            raise BrokenAnswerError(f"the answer can't be read: {reason}")
        return False


class _Decompression:
    """Gzip (also in several members) and deflate (with the header of zlib or without), never more than asked for."""

    __slots__ = ("_head", "_members", "_name", "_stream", "ended")

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream: Any = None
        self._head = b""
        self._members = 0
        self.ended = False

    def __call__(self, piece: bytes, most: int) -> bytes:
        """
        Decompress a piece.

        :param most: bytes at most; what is behind them is lost
        :raises zlib.error: if it is not what its header says
        """
        piece, self._head = self._head + piece, b""
        found = b""
        while piece and not (self.ended and self._name == "deflate"):
            if self._stream is None:
                if len(piece) < 2:
                    self._head = piece
                    break
                if self.ended and not piece.startswith(_GZIP):  # padding behind the last member
                    break
                self._stream, self.ended = self._opened(piece), False
            found += self._stream.decompress(piece, most - len(found))
            if len(found) >= most:
                break
            piece = self._stream.unused_data
            if self._stream.eof:
                self._stream, self.ended = None, True
        return found

    def _opened(self, piece: bytes) -> Any:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise zlib.error("too many parts")
        if self._name in ("gzip", "x-gzip"):
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if self._name != "deflate":
            raise zlib.error("of a kind that was not asked for")
        has_header = piece[0] & 0x0F == zlib.DEFLATED and (piece[0] << 8 | piece[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def read_text(content: bytes) -> str:
    """Decode text in UTF-8, UTF-16 or UTF-32, as it begins. What can't be decoded becomes a sign for that."""
    if content.isascii() and b"\0" not in content:
        return content.decode("ascii")
    encoding = json.detect_encoding(content)
    if encoding == "utf-8" and b"\0" in content:
        encoding = "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    # Python takes long over each unit that it can't decode, but for UTF-8
    errors = "replace" if encoding.startswith("utf-8") or len(content) <= LARGEST_ERROR else "strict"
    return content.decode(encoding, errors)


def read_json(content: bytes, secrets: Secrets = NO_SECRETS, longest_text: int = LONGEST_TEXT) -> Any:
    """
    Read JSON whose every text, names too, is cut, clean, and without our secrets.

    :param longest_text: characters of a text that are kept
    :raises ValueError: if it is not JSON, or too much of it
    :raises RecursionError: if it is nested much too deeply
    """
    text = read_text(content)
    value = parsed(text)
    if _is_plain(text, longest_text) and not secrets.may_stand_in(text):
        return value
    return _Telling(secrets, longest_text).tell(value)


def parsed(text: str) -> Any:
    """
    Read JSON as it is.

    :raises ValueError: if it is not JSON, or too much of it
    :raises RecursionError: if it is nested much too deeply
    """
    if not _BEGINS.match(text):
        raise json.JSONDecodeError("Expecting value", text, 0)  # the search below would take long
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    return _JSON.decode(text)


def _is_plain(text: str, longest_text: int) -> bool:
    """Say whether nothing in JSON can need a change; the answer that the vendor documents is like that."""
    return (
        len(text) <= longest_text
        and text.isascii()
        and "\\" not in text
        and "\x7f" not in text
        and text.count("[") + text.count("{") <= DEEPEST
    )


class _Telling:
    """One pass over a value for cleaning, and a second one where our secrets may stand in it."""

    def __init__(self, secrets: Secrets, longest_text: int) -> None:
        self._secrets = secrets
        self._longest = longest_text
        self._looked_through = 2 * longest_text
        self._texts: list[str] = []
        self._told: dict[str, str] = {}

    def tell(self, value: Any) -> Any:
        cleaned = _with_texts(value, self._collected if self._secrets else self._cleaned, DEEPEST)
        left = MOST_DECODED
        for text in self._secrets.suspects(self._texts):
            left -= len(text) + _EACH
            redacted = self._secrets.redacted(text, in_good_answer=True) if left >= 0 else MASK
            self._told[text] = self._cleaned(redacted)
        return _with_texts(value, self._redacted, DEEPEST) if self._told else cleaned

    def _cleaned(self, text: str) -> str:
        return text if len(text) <= self._longest and text.isprintable() else clean(text, self._longest)

    def _collected(self, text: str) -> str:
        self._texts.append(text[: self._looked_through])
        return text if len(text) <= self._longest and text.isprintable() else clean(text, self._longest)

    def _redacted(self, text: str) -> str:
        told = self._told.get(text[: self._looked_through])
        return self._cleaned(text) if told is None else told


def _with_texts(value: Any, change: Callable[[str], str], depth: int) -> Any:
    """A value with every text of it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        if not depth:
            raise ValueError("it is nested too deeply")
        return {change(name): _with_texts(item, change, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        if not depth:
            raise ValueError("it is nested too deeply")
        return [_with_texts(item, change, depth - 1) for item in value]
    return value


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("a number has too many digits")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits) if len(digits) <= _LONGEST_NUMBER else float("inf")
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: How JSON begins.
_BEGINS = re.compile(r'[ \t\r\n]*+(?:[\[{"0-9-]|true|false|null|NaN|Infinity)')
#: ``json.loads`` with an argument would make a new decoder for every answer.
_JSON = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer, parse_float=_real)

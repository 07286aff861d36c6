"""Bodies that nobody would write by accident, each a status as far as it can be read at all."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports.http.reading import MOST_VALUES
from airflow_provider_imports.testing.spellings import PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

MIB = 1 << 20
#: What the bodies echo: give the connection this password.
PASSWORD = PASSWORDS[0]
#: Stands in place of the texts of a status until they are replaced.
_MARK = "@@"
#: Values that are as many as there may be, beside those of a status.
_MANY = MOST_VALUES - 1_000


class Body(NamedTuple):
    """
    The body of an answer.

    :param content: its bytes, as they come over the wire
    :param coding: its ``Content-Encoding``
    :param piece: bytes of a chunk, for an answer in chunks
    """

    content: bytes
    coding: str = ""
    piece: int = 0

    def answer(self, status: int) -> bytes:
        """The whole answer, as it comes over the wire."""
        lines = [f"HTTP/1.1 {status} Reason", *([f"Content-Encoding: {self.coding}"] if self.coding else [])]
        if not self.piece:
            lines.append(f"Content-Length: {len(self.content)}")
            return "\r\n".join([*lines, "", ""]).encode() + self.content
        chunks = (self.content[at : at + self.piece] for at in range(0, len(self.content), self.piece))
        framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode() + framed + b"0\r\n\r\n"


def status_with(status: Mapping[str, Any], filler: str) -> bytes:
    """A status with one more field, in which this JSON stands."""
    return (json.dumps({"a": 1, **status})[:-1] + f', "filler": {filler}}}').encode()


def telling(status: Mapping[str, Any], kept: Collection[str], fill: Callable[[int], str], size: int) -> bytes:
    """
    A status with JSON in place of each of its texts.

    :param kept: texts that stay: they name the run
    :param fill: makes JSON of about so many bytes
    :param size: bytes of all that is filled in
    """
    content = json.dumps(_marked(status, kept))
    return content.replace(f'"{_MARK}"', fill(size // max(1, content.count(_MARK)))).encode()


def _marked(value: Any, kept: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _marked(one, kept) for name, one in value.items()}
    if isinstance(value, list):
        return [_marked(one, kept) for one in value]
    return _MARK if isinstance(value, str) and value not in kept else value


def listed(item: str, size: int) -> str:
    """As many of these as make a list of about this size."""
    return f"[{','.join([item] * max(1, size // (len(item.encode()) + 1)))}]"


def text_of(unit: str, size: int) -> str:
    """A JSON text of about this size."""
    return f'"{unit * max(1, size // len(unit.encode()))}"'


#: Values that lists are made of, as JSON.
ITEMS = {
    "empty lists": "[]",
    "empty objects": "{}",
    "pairs of lists": "[[]]",
    "small objects": '{"a":1}',
    "digits": "0",
    "fractions": "1.5",
    "short texts": '"ab"',
    "texts as long as a secret": '"abcdefgh ijklmnop"',
    "texts with an escape": r'"abcdefgh\u0041"',
    "texts with a percent sign": '"abcdefgh%41"',
    "texts with an entity": '"abcdefgh&#65;"',
    "texts with controls": r'"abcdefgh\u202e\u0000\u001b[31m"',
    "texts that echo the password": json.dumps(f"key {PASSWORD}"),
    "integers without end": "9" * 4000,
    "fractions without end": "1." + "1" * 4000,
}
#: What long texts are made of, as JSON writes it.
UNITS = {
    "plain": "x",
    "unicode escapes": r"\u0041",
    "line breaks": r"\n",
    "half pairs": r"\ud83d",
    "whole pairs": r"\ud83d\ude00",
    "NULs": r"\u0000",
    "bidi controls": "\u202e",
    "emoji": "😀",
    "percent": "%41",
    "repeated percent": "%2525252541",
    "entities": "&#65;",
    "repeated entities": "&amp;amp;amp;#65;",
    "names without an end": "&abcdefghijklmnopqrstuvwxyz",
    "backslashes": r"\\",
    "repeated escapes": r"\\u005c\\u0041",
    "blanks": " ",
    "gaps": "s+,",
    "the password": json.dumps(PASSWORD)[1:-1],
    "the password with gaps": "S 3 c r ' e t P < w > & d x / ä ! ( 1 ) ",
    "words": "column 'Amount', row 5: not a number; ",
}
#: What long pages are made of: signs that leave a reader of HTML looking for an end.
PAGES = (
    "<",
    "<a ",
    "<!--",
    "<![",
    "<![foo]><",
    "<a b='",
    "</",
    "&",
    "&#",
    "<a<",
    "<script>",
    "<?",
    "<p>&lt;",
    "<a b=c ",
)


def bodies(status: Mapping[str, Any], kept: Collection[str] = ()) -> dict[str, Callable[[], Body]]:
    """
    Every body by its name; made when it is asked for, since together they would fill the memory.

    :param status: a vendor's good answer, with every field that something is told of
    :param kept: its texts that name the run
    """
    found: dict[str, Callable[[], Body]] = {}
    good, tells = partial(status_with, status), partial(telling, status, kept)
    for name, item in ITEMS.items():
        for size in (100_000, 1_900_000, 8 * MIB):
            found[f"{name}, {size:,} bytes"] = partial(lambda item, size: Body(good(listed(item, size))), item, size)
        found[f"{name}, as many as there may be"] = partial(
            lambda item: Body(tells(partial(listed, item), _most(item))), item
        )
    for name, unit in UNITS.items():
        of = partial(text_of, unit)
        found[f"a text of {name}"] = partial(lambda of: Body(tells(of, 700_000)), of)
        found[f"a long text of {name}"] = partial(lambda of: Body(good(of(1_900_000))), of)
        found[f"many texts of {name}"] = partial(
            lambda of: Body(tells(lambda size: listed(of(600), size), 700_000)), of
        )
        found[f"a plain text of {name}"] = partial(
            lambda unit: Body((unit * MIB)[: 2 * MIB].encode("utf-8", "replace")), unit
        )
        found[f"an error of {name}"] = partial(lambda of: Body(b'{"error": ' + of(60_000).encode() + b"}"), of)
    for page in PAGES:
        found[f"a page of {page}"] = partial(lambda page: Body((f"<html>{page * 600_000}")[: 2 * MIB].encode()), page)
    for depth in (60, 70, 500, 990, 100_000, MIB):
        found[f"lists, {depth:,} deep"] = partial(lambda depth: Body(good("[" * depth + "]" * depth)), depth)
        found[f"objects, {depth:,} deep"] = partial(
            lambda depth: Body(good('{"a":' * depth + "1" + "}" * depth)), depth
        )
        found[f"lists without an end, {depth:,} deep"] = partial(lambda depth: Body(b"[" * depth), depth)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"):
        found[f"a status in {encoding}"] = partial(
            lambda encoding: Body(good(text_of("größer ", 400_000)).decode().encode(encoding)), encoding
        )
        found[f"many values in {encoding}"] = partial(
            lambda encoding: Body(good(listed('"ab"', 120_000)).decode().encode(encoding)), encoding
        )
    for name, octets in {
        "half pairs in UTF-16": b"\x00\xd8",
        "half pairs and letters in UTF-16": b"\x00\xd8a\x00",
        "bytes that are not UTF-8": b"\xff",
        "half pairs in UTF-8": b"\xed\xa0\x80",
        "NULs": b"\x00",
        "numbers of UTF-32 that are no characters": b"\xff\xff\xff\x00",
    }.items():
        found[f"nothing but {name}"] = partial(lambda octets: Body(b'{"a"' + octets * (2 * MIB // len(octets))), octets)
    found["as many names as there may be"] = lambda: Body(
        good("{" + ",".join(f'"name {n}":0' for n in range(_MANY)) + "}")
    )
    found["the same name again and again"] = lambda: Body(good("{" + ",".join(['"a":0'] * _MANY) + "}"))
    for name, text in {
        "an escape": r"abcdefgh\u0041",
        "a percent sign": "abcdefgh%41",
        "the password": json.dumps(PASSWORD)[1:-1],
        "a control": r"abcdefgh\u202e",
    }.items():
        found[f"many different texts, each with {name}"] = partial(
            lambda text: Body(good("[" + ",".join(f'"{n} {text}"' for n in range(_MANY)) + "]")), text
        )
    found["numbers that are not JSON"] = lambda: Body(good("[NaN, Infinity, -Infinity, 1e999]"))
    found["nothing but blanks"] = lambda: Body(b" " * 2 * MIB)
    found.update(_compressed(status))
    return found


def _most(item: str) -> int:
    """Bytes of a list of these, of which the limits of bytes and values allow no more."""
    values = 1 + sum(map(item.count, ",[{"))
    return min(900_000, _MANY // values * (len(item) + 1))


def _compressed(status: Mapping[str, Any]) -> dict[str, Callable[[], Body]]:
    plain = status_with(status, text_of("word ", 5_000))

    def bomb(filler: bytes, size: int) -> bytes:
        stream = zlib.compressobj(9, wbits=31)
        pieces = [stream.compress(status_with(status, '"')[:-2]), *(stream.compress(filler * MIB) for _ in range(size))]
        return b"".join([*pieces, stream.flush()])

    whole = gzip.compress(plain)
    return {
        "a bomb of text": lambda: Body(bomb(b"x", 60), "gzip"),
        "a bomb of NULs": lambda: Body(bomb(b"\0", 60), "gzip"),
        "a bomb of line breaks": lambda: Body(bomb(b"\n", 60), "gzip"),
        "a bomb of lists": lambda: Body(bomb(b"[" * 2, 20), "gzip"),
        "a bomb in a bomb": lambda: Body(gzip.compress(bomb(b"x", 60)), "gzip, gzip"),
        "a bomb in chunks": lambda: Body(bomb(b"x", 60), "gzip", 100),
        "a bomb of zlib": lambda: Body(zlib.compress(bytes(60 * MIB), 9), "deflate"),
        "gzip cut short": lambda: Body(whole[:-20], "gzip"),
        "gzip broken in the middle": lambda: Body(whole[:40] + b"\xff" * 40 + whole[80:], "gzip"),
        "gzip with a wrong sum": lambda: Body(whole[:-8] + b"\0" * 8, "gzip"),
        "gzip that is none": lambda: Body(plain, "gzip"),
        "gzip whose name has no end": lambda: Body(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 4 * MIB, "gzip"),
        "gzip in ten thousand members": lambda: Body(gzip.compress(b" ") * 10_000, "gzip"),
        "gzip in empty members": lambda: Body(gzip.compress(b"") * 50_000, "gzip"),
        "gzip of empty blocks": lambda: Body(whole[:10] + b"\x00\x00\x00\xff\xff" * 600_000, "gzip"),
        "deflate without a header": lambda: Body(zlib.compress(plain)[2:-4], "deflate"),
        "brotli, which nobody asked for": lambda: Body(plain, "br"),
        "the smallest chunks": lambda: Body(status_with(status, text_of("x", 400_000)), piece=1),
    }

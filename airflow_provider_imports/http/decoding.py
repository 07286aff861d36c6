"""From a text that somebody escaped, or packed, to the text that is meant: one layer at a time, whatever wrote it."""

from __future__ import annotations

import re
from base64 import b64decode
from html import unescape
from html.entities import html5
from urllib.parse import unquote_to_bytes

#: Where one of these is, something is escaped.
ESCAPES = ("\\", "%", "&")
#: The characters of base64, in addresses too.
BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|[uU]([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([^\x00-\x1f]))"
    r"|%u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)|&(?:#[0-9a-zA-Z]{1,32}|[a-zA-Z][0-9a-zA-Z]{1,31});?",
    re.DOTALL,
)
#: One character in UTF-8 that was taken for two to four of Latin-1, as ``requests`` takes those of headers.
_TAKEN_FOR_LATIN_1 = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
#: What may be base64 or hexadecimal digits of something that matters, and what certainly is not a word.
_SHORTEST_TOKEN = 10
_TOKEN = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST_TOKEN},}}={{0,2}}")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
#: An id of the vendor's, and no base64: every status has one.
_UUID = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Places where base64 may begin within a part of an address.
_MOST_STARTS = 4
_PLAIN_ALPHABET = str.maketrans("-_", "+/")
_HEXADECIMAL = re.compile("[0-9a-fA-F]+")
_LINE_BREAKS = re.compile(r"[\r\n]\s*")
#: What no text shows, also one in UTF-8 that is taken for Latin-1.
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad]+")


def may_be_escaped(text: str) -> bool:
    """Say whether there is something in a text that looks like an escape."""
    return _ESCAPE.search(text) is not None


def unescaped(text: str) -> str:
    """Take one layer of escapes off a text, of whatever kinds they are."""
    text = _ESCAPE.sub(_meant, text)
    if text.isascii():
        return text
    text = _TAKEN_FOR_LATIN_1.sub(lambda found: found[0].encode("latin-1").decode("utf-8", "replace"), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins the halves of a pair


def _meant(found: re.Match[str]) -> str:
    braced, four, two, letter, old, percent = found.groups()
    if code := braced or four or two or old:
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else found[0]
    if letter is not None:
        return _LETTERS.get(letter, letter)
    if percent is not None:
        data = unquote_to_bytes(percent)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")
    return _of_html(found[0])


def unpacked(text: str) -> str:
    """Put the texts that are packed in a text, in base64 or in hexadecimal digits, in the places of these."""
    return _TOKEN.sub(_opened, _LINE_BREAKS.sub("", text))


def may_be_packed(text: str) -> bool:
    """Say whether there is something in a text that is base64 of another."""
    if "\n" in text or "\r" in text:
        text = _LINE_BREAKS.sub("", text)
    return any(not _UUID.fullmatch(token) and _is_utf_8(_of_base64(token)) for token in _LONG_TOKEN.findall(text))


def _opened(found: re.Match[str]) -> str:
    """The text that something in base64 or in hexadecimal digits is; unchanged if it is none."""
    token = found[0]
    starts = [0, *(at + 1 for at, character in enumerate(token) if character == "/")][:_MOST_STARTS]
    texts = (_text_of(token[start:]) for start in starts if len(token) - start >= _SHORTEST_TOKEN)
    return " ".join(text for text in texts if text) or found[0]


def _of_base64(token: str) -> bytes:
    token = token.rstrip("=").translate(_PLAIN_ALPHABET)
    return b64decode(f"{token[:-1] if len(token) % 4 == 1 else token}==")


def _is_utf_8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _text_of(token: str) -> str:
    kinds = [_of_base64(token)]
    if len(token) % 2 == 0 and _HEXADECIMAL.fullmatch(token):
        kinds.insert(0, bytes.fromhex(token))
    for data in kinds:
        for encoding in ("utf-16-le", "utf-8") if b"\0" in data else ("utf-8", "utf-16-le"):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if _INVISIBLE.sub("", text).isprintable():
                return text
    return ""


def _of_html(entity: str) -> str:
    """What an entity stands for; also one without its semicolon, of which :mod:`html` knows only the oldest."""
    text = unescape(entity)
    if text != entity or entity[1] == "#":
        return text
    for end in range(len(entity), 2, -1):
        if meant := html5.get(f"{entity[1:end]};"):
            return meant + entity[end:]
    return entity

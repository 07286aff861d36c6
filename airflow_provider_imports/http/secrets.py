"""
Our own credentials, blackened wherever a careless vendor repeats them: by what a text means, not by how it is spelt.

A vendor may write a password in JSON, in HTML, in an address, in base64, in UTF-16, or in several of these at once. So
a text that is to be told is decoded layer by layer, and looked through at each.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from bisect import bisect_right
from html import unescape
from html.entities import html5
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.settings import Settings

#: Stands where a secret stood.
MASK = "***"
#: Characters of a text that are looked through. What is behind them must not be told.
MOST_LOOKED_THROUGH = 4_000
_SHORTEST = 4
_SHORTEST_IN_GOOD_ANSWER = 8
_MOST_LAYERS = 8
_SCHEMES = ("Basic ", "Bearer ")
_ESCAPES = ("\\", "%", "&")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|[uU]([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))"
    r"|%u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)|&#?[0-9a-zA-Z]{1,32};?",
    re.DOTALL,
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
#: What writers put between the characters of a secret: line breaks, NULs, ``+`` for a blank, ``,`` between two headers.
_GAPS = re.compile(r"[\x00-\x20+,\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff⏎⇥␣]+")
#: What they garble, if they take it for another encoding.
_WIDE = re.compile(r"[^\x00-\x7f]+")
_WIDE_SIGN = "\ufffd"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


class Secrets:
    """
    What must never be told.

    :param texts: the credentials, as they are sent
    """

    __slots__ = ("_all", "_long")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        needles = {needle for text in texts if len(text) >= _SHORTEST for needle in _needles(text)}
        self._all = sorted(needles, key=lambda needle: len(needle[0]), reverse=True)
        self._long = [needle for needle in self._all if len(needle[0]) >= _SHORTEST_IN_GOOD_ANSWER]

    @classmethod
    def of(cls, settings: Settings, headers: Mapping[str, str]) -> Secrets:
        """Take the secrets of a connection, and of the headers that carry its credentials."""
        texts = {settings.password}
        for value in headers.values():
            scheme = next((one for one in _SCHEMES if value.startswith(one)), "")
            texts.add(value.removeprefix(scheme))
        return cls(texts - {settings.login})

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._all)

    def redacted(self, text: str, *, in_good_answer: bool = False) -> str:
        """
        Blacken every secret in the first :data:`MOST_LOOKED_THROUGH` characters of a text, and leave the others out.

        Where one stands there in any spelling, the text is shown decoded as far as that.
        """
        text = shown = text[:MOST_LOOKED_THROUGH]
        needles = self._long if in_good_answer else self._all
        if not needles:
            return text
        for _ in range(_MOST_LAYERS):
            covered = _covered(text, needles)
            if covered != text:
                text = shown = covered
            decoded = _decoded(text)
            if decoded == text:
                break
            text = decoded
        return _without_a_beginning(shown, needles)

    def suspects(self, texts: Sequence[str]) -> dict[str, None]:
        """Find the texts of a good answer that hold a secret, or an escape behind which one may stand, in order."""
        if not self._long:
            return {}
        joined = "\n".join(texts)
        if len(joined) <= MOST_LOOKED_THROUGH:
            folded = _folded(joined)
            if any(needle in folded for _, needle, _ in self._long if needle):
                return dict.fromkeys(texts)
        signs = [sign for sign in (*_ESCAPES, *(needle[0] for needle in self._long)) if sign in joined]
        if not signs:
            return {}
        ends = list(accumulate(len(text) + 1 for text in texts))
        return dict.fromkeys(
            texts[at] for at in sorted({at for sign in signs for at in _texts_with(sign, joined, ends)})
        )

    def redact(self, error: VendorImportError) -> None:
        """Blacken every secret in what an error tells."""
        error.args = tuple(self.redacted(one) if isinstance(one, str) else one for one in error.args)
        for name in ("vendor_message", "request_id"):
            if told := getattr(error, name):
                setattr(error, name, self.redacted(told))


NO_SECRETS = Secrets()


def _needles(text: str) -> Iterator[tuple[str, str, bool]]:
    """Every text to look for, as it is and folded, and whether it is a part of something in base64."""
    decoded = text
    for _ in range(_MOST_LAYERS):
        yield decoded, _long_enough(_folded(decoded)), False
        decoded = _decoded(decoded)
    yield text.encode().hex(), "", False
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        data = text.encode(encoding, "ignore")
        for offset in range(3):
            for encode in (b64encode, urlsafe_b64encode):
                # the characters in which nothing but the secret has a part, wherever it stands
                first, last = (offset * 8 + 5) // 6, (offset + len(data)) * 8 // 6
                part = encode(bytes(offset) + data).decode()[first:last]
                if len(part) > _SHORTEST:
                    yield part, _long_enough(_folded(part)), True


def _long_enough(folded: str) -> str:
    return folded if len(folded) >= _SHORTEST else ""


def _covered(text: str, needles: Sequence[tuple[str, str, bool]]) -> str:
    """Put the mask over everything that is found in a text as it stands, at one go."""
    folded = _folded(text)
    spans = [span for needle, _, is_base64 in needles for span in _spans(needle, text, is_base64)]
    hidden = [
        (start, start + len(needle), is_base64)
        for _, needle, is_base64 in needles
        if needle
        for start in _starts(needle, folded)
    ]
    if hidden:
        places = _places(text)
        spans += [_grown(text, places[start], places[end - 1] + 1, is_base64) for start, end, is_base64 in hidden]
    if not spans:
        return text
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _spans(needle: str, text: str, is_base64: bool) -> Iterator[tuple[int, int]]:
    for start in _starts(needle, text):
        yield _grown(text, start, start + len(needle), is_base64)


def _starts(needle: str, text: str) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + len(needle))


def _grown(text: str, start: int, end: int, is_base64: bool) -> tuple[int, int]:
    """Where a secret begins and ends, with all that holds a part of it: a garbled character, the bits around it."""
    while end < len(text) and text[end - 1] > "\x7f" and text[end] > "\x7f":
        end += 1
    if is_base64:
        while start and text[start - 1] in _BASE64:
            start -= 1
        while end < len(text) and text[end] in _BASE64:
            end += 1
    return start, end


def _folded(text: str) -> str:
    """A text without what may stand between its characters, with one sign for what may be garbled."""
    return _WIDE.sub(_WIDE_SIGN, _GAPS.sub("", text))


def _places(text: str) -> list[int]:
    """Where each character of a folded text stands in the text."""
    places: list[int] = []
    in_wide = False
    for at, character in enumerate(text):
        if _GAPS.match(character):
            continue
        if character <= "\x7f" or not in_wide:
            places.append(at)
        in_wide = character > "\x7f"
    return places


def _decoded(text: str) -> str:
    """A text with one layer of escapes less, of whatever kinds they are."""
    text = _ESCAPE.sub(_unescaped, text)
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()  # UTF-8 that was taken for Latin-1, as headers are
    except UnicodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins the halves of a pair


def _unescaped(found: re.Match[str]) -> str:
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


def _of_html(entity: str) -> str:
    """What an entity stands for; also one without its semicolon, of which :mod:`html` knows only the oldest."""
    text = unescape(entity)
    if text != entity or entity[1] == "#":
        return text
    for end in range(len(entity), 2, -1):
        if meant := html5.get(f"{entity[1:end]};"):
            return meant + entity[end:]
    return entity


def _texts_with(sign: str, joined: str, ends: Sequence[int]) -> Iterator[int]:
    """Which of the joined texts hold a sign."""
    start = joined.find(sign)
    while start >= 0:
        at = bisect_right(ends, start)
        yield at
        start = joined.find(sign, ends[at])


def _without_a_beginning(text: str, needles: Iterable[tuple[str, str, bool]]) -> str:
    """Blacken the beginning of a secret at the end of a text that may have been cut there."""
    for needle, _, _ in needles:
        for length in range(len(needle) - 1, _SHORTEST - 1, -1):
            if text.endswith(needle[:length]):
                return f"{text[:-length]}{MASK}"
    return text

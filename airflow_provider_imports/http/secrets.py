"""
Our own credentials, blackened wherever a careless vendor repeats them: by what a text means, not by how it is spelt.

A vendor may write a password in JSON, in HTML, in an address, in base64, in UTF-16, or in several of these at once. So
a text that is to be told is decoded layer by layer, and looked through at each.
"""

from __future__ import annotations

import json
import re
import string
from base64 import b64encode, urlsafe_b64encode
from collections import deque
from html import escape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

from airflow_provider_imports.http.decoding import BASE64, ESCAPES, may_be_escaped, may_be_packed, unescaped, unpacked
from airflow_provider_imports.http.text import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.settings import Settings

#: Characters of a text that are looked through. What is behind them must not be told.
MOST_LOOKED_THROUGH = 2_000
_SHORTEST = 4
_SHORTEST_IN_GOOD_ANSWER = 8
_MOST_LAYERS = 10
#: Characters of a good answer in which its base64 is looked for.
_MOST_SEARCHED = 1 << 16
#: Characters of a good answer's texts that are unescaped to see whether anything changes; what a text costs besides.
_MOST_TRIED = 20_000
_EACH_TRIED = 30
_SCHEMES = ("Basic ", "Bearer ")
#: What writers put between the characters of a secret: line breaks, NULs, ``+`` for a blank, ``,`` between two headers.
_GAP = r"\x00-\x20+,\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
_GAPS = re.compile(f"[{_GAP}\ufffd]+")
_GAPS_OF_FOLDED = re.compile(f"[{_GAP}]+")
#: What they garble, if they take it for another encoding.
_WIDE = re.compile(r"[^\x00-\x7f]+")
_WIDE_SIGN = "\ufffd"


class Secrets:
    """
    What must never be told.

    :param texts: the credentials, as they are sent
    """

    __slots__ = ("_all", "_direct", "_long", "_packed")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        needles = {needle for text in texts if len(text) >= _SHORTEST for needle in _needles(text)}
        self._all = sorted(needles, key=lambda needle: len(needle.plain), reverse=True)
        self._long = [needle for needle in self._all if len(needle.plain) >= _SHORTEST_IN_GOOD_ANSWER]
        direct = [needle.plain for needle in self._long if not needle.is_base64]
        self._direct = tuple(direct)
        self._packed = tuple(needle.plain for needle in self._long if needle.is_base64)

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
        text = text[:MOST_LOOKED_THROUGH]
        needles = self._long if in_good_answer else self._all
        return _without_a_beginning(_uncovered(text, needles), needles) if needles else text

    def are_in(self, text: str) -> bool:
        """Say whether one of them is in a short text of a good answer, in any spelling, from beginning to end."""
        return _uncovered(text, self._long) != text

    def may_stand_in(self, text: str) -> bool:
        """Say whether a secret, or an escape behind which one may stand, is in a good answer."""
        if not self._long:
            return False
        beginning = text[:_MOST_SEARCHED]
        for signs, place in ((ESCAPES, text), (self._direct, text), (self._packed, beginning)):
            for sign in signs:  # any() would take three times as long
                if sign in place:
                    return True
        return may_be_packed(beginning)

    def suspects(self, texts: Sequence[str]) -> dict[str, None]:
        """Find the texts of a good answer that hold a secret, or an escape behind which one may stand, in order."""
        if not self._long:
            return {}
        joined = " ".join(texts)
        if not joined.isprintable() and len(joined) <= MOST_LOOKED_THROUGH:
            squeezed = _squeezed(joined)
            if any(one.squeezed in squeezed for one in self._long if one.squeezed):
                return dict.fromkeys(texts)
        signs = [sign for sign in self._direct if sign in joined]
        beginning = joined[:_MOST_SEARCHED]
        signs += [sign for sign in self._packed if sign in beginning]
        distinct = dict.fromkeys(texts)
        suspected = {text for sign in signs for text in distinct if sign in text}
        if len(joined) <= MOST_LOOKED_THROUGH and may_be_packed(joined):
            suspected |= {text for text in distinct if may_be_packed(text)}
        escapes = [sign for sign in ESCAPES if sign in joined]
        left = _MOST_TRIED
        for text in {text: None for sign in escapes for text in distinct if sign in text and may_be_escaped(text)}:
            left -= len(text) + _EACH_TRIED
            if left < 0 or unescaped(text) != text or may_be_packed(text):
                suspected.add(text)
        return {text: None for text in distinct if text in suspected}

    def redact(self, error: VendorImportError) -> None:
        """Blacken every secret in what an error tells."""
        error.args = tuple(self.redacted(one) if isinstance(one, str) else one for one in error.args)
        for name in ("vendor_message", "request_id"):
            if told := getattr(error, name):
                setattr(error, name, self.redacted(told))


NO_SECRETS = Secrets()


class _Needle(NamedTuple):
    """
    A text to look for.

    :param plain: as it is
    :param squeezed: without what may stand between its characters; empty if too little is left
    :param folded: besides with one sign for whatever may be garbled; empty if too little is left
    :param is_base64: a part of something in base64
    """

    plain: str
    squeezed: str
    folded: str
    is_base64: bool


def _needles(text: str) -> Iterator[_Needle]:
    """Every text in which a secret may be found."""
    decoded = text
    for _ in range(_MOST_LAYERS):
        yield _needle(decoded)
        if decoded == (decoded := unescaped(decoded)):
            break
    yield _needle(quote_plus(text, safe=string.punctuation))
    yield _needle(text.encode().hex())
    written = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], escape(text), quote(text, ""))
    packed = {one.encode(encoding, "ignore") for one in written for encoding in ("utf-8", "latin-1", "utf-16-le")}
    for data in packed:
        for offset in range(3):
            for encode in (b64encode, urlsafe_b64encode):
                # the characters in which nothing but the secret has a part, wherever it stands
                first, last = (offset * 8 + 5) // 6, (offset + len(data)) * 8 // 6
                part = encode(bytes(offset) + data).decode()[first:last]
                if len(part) > _SHORTEST:
                    yield _needle(part, is_base64=True)


def _needle(text: str, *, is_base64: bool = False) -> _Needle:
    squeezed, folded = _squeezed(text), _folded(text)
    return _Needle(
        text,
        squeezed if len(squeezed) >= _SHORTEST else "",
        folded if len(folded) >= _SHORTEST else "",
        is_base64,
    )


def _uncovered(text: str, needles: Sequence[_Needle]) -> str:
    """
    Take off layer after layer, of escapes first and then of base64, and put the mask over what is found there.

    :return: the last layer in which something was found, else the text
    """
    shown = text
    layers = deque([text])
    for _ in range(_MOST_LAYERS):
        if not layers:
            break
        text = layers.popleft()
        covered = _covered(text, needles)
        if covered != text:
            text = shown = covered
            layers.clear()
        if (decoded := unescaped(text)) != text:
            layers.appendleft(decoded)
        if (opened := unpacked(text)) != text:
            layers.append(opened)
    return shown


def _covered(text: str, needles: Sequence[_Needle]) -> str:
    """Put the mask over everything that is found in a text as it stands, at one go."""
    squeezed, folded = _squeezed(text), _folded(text)
    spans = [
        _grown(text, start, start + len(one.plain), one.is_base64)
        for one in needles
        for start in _starts(one.plain, text)
    ]
    for shape, form, merged in ((squeezed, "squeezed", False), (folded, "folded", True)):
        hidden = [
            (start, start + len(needle), one.is_base64)
            for one in needles
            if (needle := getattr(one, form))
            for start in _starts(needle, shape)
        ]
        if hidden:
            places = _places(text, merged=merged)
            spans += [_grown(text, places[start], places[end - 1] + 1, is_base64) for start, end, is_base64 in hidden]
    if not spans:
        return text
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*parts, text[at:]])


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
        while start and text[start - 1] in BASE64:
            start -= 1
        while end < len(text) and text[end] in BASE64:
            end += 1
    return start, end


def _squeezed(text: str) -> str:
    return _GAPS.sub("", text)


def _folded(text: str) -> str:
    return _WIDE.sub(_WIDE_SIGN, _GAPS_OF_FOLDED.sub("", text))


def _places(text: str, *, merged: bool) -> list[int]:
    """Where each character of a squeezed (or, merged, of a folded) text stands in the text."""
    places: list[int] = []
    in_wide = False
    gap = _GAPS_OF_FOLDED if merged else _GAPS
    for at, character in enumerate(text):
        if gap.match(character):
            continue
        if not (merged and in_wide and character > "\x7f"):
            places.append(at)
        in_wide = character > "\x7f"
    return places


def _without_a_beginning(text: str, needles: Iterable[_Needle]) -> str:
    """Blacken the beginning of a secret at the end of a text that may have been cut there."""
    tail = text[-_SHORTEST:]
    for needle in needles:
        at = needle.plain.rfind(tail) if len(tail) == _SHORTEST else -1
        if at >= 0 and text.endswith(needle.plain[: at + _SHORTEST]):
            return f"{text[: -at - _SHORTEST]}{MASK}"
    return text

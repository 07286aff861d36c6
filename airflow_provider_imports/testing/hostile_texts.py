"""Texts that are hostile by their characters, in every place of an answer."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = {
    "controls": "a\x00b\x07c\x1b[31md\x7fe\x9bf",
    "line breaks": "one\ntwo\r\nthree\u2028four\u2029five\x85six\ttab",
    "bidi controls": "a\u202eb\u2066c\u200fd\u061ce",
    "invisible characters": "a\u200bb\ufeffc\u00add\U000e0041e",
    "half pairs": "a\ud83db\ude00c",
    "no characters": "a\ufffeb\U0010ffffc\ue000d",
    "endless": "x" * 30_000,
    "endless and dirty": "\u202e\n" * 10_000,
    "a format": "%s %d {0} %(name)s {run}",
}


def spoilt(value: Any, text: str | int) -> Iterator[Any]:
    """A value once for each text in it, and each name, that is replaced by this one; and once with all of them."""
    places = list(_places(value))
    for place in places:
        yield _replaced(value, place, text)
    everywhere = value
    for place in places:
        if place[1] != "name":
            everywhere = _replaced(everywhere, place, text)
    yield everywhere


def in_a_header(text: str) -> bytes:
    """As much of a text as a header can carry."""
    return re.sub(r"[\r\n\x85\u2028\u2029]", " ", text)[:4000].encode("utf-8", "surrogatepass").replace(b"\0", b"")


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, "text"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict):
            yield (*path, key), "name"
        if not isinstance(item, str | dict | list):
            yield (*path, key), "other"
        yield from _places(item, (*path, key))


def _replaced(value: Any, place: tuple[tuple[Any, ...], str], text: str | int) -> Any:
    path, kind = place
    if not path:
        return text
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if kind == "name":
        holder[str(text)] = holder.pop(path[-1])
    else:
        holder[path[-1]] = text
    return changed

"""Texts that are hostile by their characters, in every place of an answer."""

from __future__ import annotations

import copy
import re
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def spoilers(value: Any, text: str | int) -> list[Callable[[], Any]]:
    """
    What makes the value with one text in it, or one name, replaced by this one; the last one, with all but the names.

    They are made when they are asked for: a large answer has hundreds of places.
    """
    places = list(_places(value))
    return [*(partial(_replaced, value, place, text) for place in places), partial(_everywhere, value, places, text)]


def _everywhere(value: Any, places: list[tuple[tuple[Any, ...], str]], text: str | int) -> Any:
    for place in places:
        if place[1] != "name":
            value = _replaced(value, place, text)
    return value


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

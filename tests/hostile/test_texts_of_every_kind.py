"""Whatever stands in a text of a vendor: what is told and stored of it is short, visible and can be stored."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import category

import pytest

from tests.hostile.calls import CALLS, EVERY_CALL, new_hook, what_is_told
from tests.hostile.vendors import connection_of, made_up_vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_imports.hooks.base import ImportHook

SAMPLES = Path(__file__).parents[1] / "samples"
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
#: Never told as they are.
FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Characters of anything that is told in one piece, and of one text in it.
MOST_TOLD = 40_000
LONGEST_RUN = 1_000


def spoilt(value: Any, text: str) -> Iterator[Any]:
    """A value once for each text in it, and each name, that is replaced by this one; and once with all of them."""
    places = list(_places(value))
    for place in places:
        yield _replaced(value, place, text)
    everywhere = value
    for place in places:
        if place[1] != "name":
            everywhere = _replaced(everywhere, place, text)
    yield everywhere


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


def _replaced(value: Any, place: tuple[tuple[Any, ...], str], text: str) -> Any:
    path, kind = place
    if not path:
        return text
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if kind == "name":
        holder[text] = holder.pop(path[-1])
    else:
        holder[path[-1]] = text
    return changed


def samples_of(vendor: str) -> list[Path]:
    return sorted(path for path in (SAMPLES / vendor).iterdir() if path.suffix == ".json")


def contents(vendor: str, text: str) -> Iterator[tuple[str, bytes]]:
    """The recorded answers of a vendor with this text in one place, in UTF-8 and, all places at once, in UTF-16."""
    for path in samples_of(vendor):
        try:
            value = json.loads(path.read_bytes())
        except ValueError:
            continue  # recorded because it is not JSON
        for changed in spoilt(value, text):
            yield path.name, json.dumps(changed).encode()
        yield path.name, json.dumps(changed, ensure_ascii=False).encode("utf-16", "surrogatepass")
        yield path.name, json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(("kind", "call"), EVERY_CALL, ids=lambda one: getattr(one, "conn_type", one))
def test_what_is_told_is_visible_short_and_can_be_stored(
    kind: type[ImportHook], call: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_imports.hooks.rocketchat.calls.LOOK_AGAIN_SECONDS", 0)
    text = HOSTILE[name]
    with made_up_vendor() as vendor, connection_of(kind, vendor, login="u", password="a-password-of-ours") as conn_id:
        hook = new_hook(kind, conn_id)
        hook.client.authenticate()
        share = list(contents(kind.conn_type, text))
        step = max(1, len(share) // MOST_ANSWERS)
        for offset, (sample, content) in enumerate(share[hash_of(call, name) % step :: step]):
            vendor.answers((200, 400, 404)[offset % 3], content, {"X-Request-Id": _in_a_header(text)})
            for told in what_is_told(hook, CALLS[kind][call]):
                assert faults_of(told) == [], (sample, told[:500])
        hook.close()


#: Answers that one call is tried with.
MOST_ANSWERS = 12


def hash_of(*words: str) -> int:
    """The same number for the same words in every process, so that each call gets another share of the answers."""
    return sum(ord(one) for word in words for one in word)


def faults_of(told: str) -> list[str]:
    """What is wrong with a text that somebody was told."""
    found = sorted({f"{ord(one):04x}" for one in told if category(one) in FORBIDDEN and one != "\n"})
    if "\n" in told.rstrip("\n"):
        found.append("several lines")
    if len(told) > MOST_TOLD:
        found.append(f"{len(told)} characters")
    if longest := re.search("x" * LONGEST_RUN, told):
        found.append(f"a text of more than {len(longest[0])} characters")
    return found


def _in_a_header(text: str) -> bytes:
    return re.sub(r"[\r\n\x85\u2028\u2029]", " ", text)[:4000].encode("utf-8", "surrogatepass").replace(b"\0", b"")

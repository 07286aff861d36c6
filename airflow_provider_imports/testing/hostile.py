"""Answers that want to leak, mislead, flood or freeze: whatever a vendor answers, what is told of it is safe."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from unicodedata import category

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.http.secrets import MOST_LOOKED_THROUGH
from airflow_provider_imports.models import ImportState
from airflow_provider_imports.testing.answers import PASSWORD, Body, bodies, telling
from airflow_provider_imports.testing.at_relay import AtRelay, call_names
from airflow_provider_imports.testing.holds import look, slowness, watched
from airflow_provider_imports.testing.hostile_texts import HOSTILE, in_a_header, spoilers
from airflow_provider_imports.testing.matrix import STEP
from airflow_provider_imports.testing.spellings import PASSWORDS, SECOND_WRITERS, SPLITTERS, WRITERS, may_be_read, spelt
from airflow_provider_imports.testing.suite import NO_STATUS, LeftOut, Suite, each, tells_nothing
from airflow_provider_imports.testing.told import what_is_told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from airflow_provider_imports.testing.cases import Start

#: Seconds for one step of the event loop while other tests run; ``python -m tests.hostile`` measures it alone.
LONGEST_HOLD = 0.25
#: A busy machine takes longer at times, even by the processor's clock; what holds the loop does so each time.
LOOKS = 3
#: Each hostile body is answered with one of these, with all of them if every cell of the fault matrix is run.
STATUSES = (200, 503, 401)
#: Tests that the hostile bodies are spread over, so that they can run side by side.
GROUPS = 12
#: One spelling in so many is tried with each call.
WRITER_STEP = 5
#: Answers that one call is tried with.
MOST_ANSWERS = 12
#: Categories of characters, in Unicode, that are never told as they are: what nobody sees, and what ends a line.
FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Characters of anything that is told in one piece, and of one text in it.
MOST_TOLD = 40_000
LONGEST_RUN = 1_000


def groups_of_bodies(suite: type[Suite]) -> Sequence[int | LeftOut]:
    """The tests of the hostile bodies, a share of them; a vendor without a status has nothing to look at."""
    if not any(start.waits for start in suite.starts):
        return [LeftOut("a look at an import", NO_STATUS)]
    return range(0, GROUPS, max(1, STEP // 4))


class Hostile(Suite):
    """What is told of an answer holds no secret, is short, visible and can be stored; reading it holds nobody up."""

    @each("call", call_names)
    def test_no_call_tells_a_secret_however_it_is_spelt(self, at_relay: AtRelay, call: str) -> None:
        status, kept = self.all_fields(at_relay), at_relay.run.key.values()
        for number, writers in enumerate(writers_of(call)):
            password = PASSWORDS[(number + _hash_of(call)) % len(PASSWORDS)]
            at_relay.relay.instead = None
            at_relay.change_password(password)
            for code, content, headers in answers_with(spelt(password, *writers), status, kept):
                if code == 200 and is_not_promised(writers, content):
                    continue
                at_relay.relay.answer(code, content, headers)
                told = what_is_told(at_relay.hook, lambda hook: at_relay.call(call))
                assert [text for text in told if may_be_read(text, password)] == [], writers

    @each("name", lambda suite: HOSTILE)
    @each("call", call_names)
    def test_what_is_told_is_visible_short_and_can_be_stored(self, at_relay: AtRelay, call: str, name: str) -> None:
        text = HOSTILE[name]
        share = self.contents(at_relay, text)
        assert share, "no answer of the vendor is JSON"
        step = max(1, len(share) // MOST_ANSWERS)
        for offset, make in enumerate(share[_hash_of(call, name) % step :: step]):
            content = make()
            at_relay.relay.answer((200, 400, 404)[offset % 3], content, {"X-Request-Id": in_a_header(text)})
            for told in what_is_told(at_relay.hook, lambda hook: at_relay.call(call)):
                assert faults_of(told) == [], (content[:200], told[:500])

    @each("case", lambda suite: suite.starts[:1], unless=tells_nothing)
    def test_a_state_that_is_not_documented_is_never_a_success(self, at_relay: AtRelay, case: Start) -> None:
        true = json.loads(at_relay.answers[0])
        for surprise in ("surprise", 987_654):
            for spoil in spoilers(true, surprise):
                changed = spoil()
                at_relay.relay.answer(200, json.dumps(changed).encode(), {})
                seen = outcome_of(lambda: at_relay.call("status"))
                assert getattr(seen, "state", None) is not ImportState.SUCCEEDED, changed

    @each("group", groups_of_bodies)
    def test_no_answer_holds_the_event_loop(self, at_relay: AtRelay, group: int) -> None:
        made = bodies(self.all_fields(at_relay), at_relay.run.key.values())
        at_relay.change_password(PASSWORD)
        asyncio.run(self.look_at_each(at_relay, list(enumerate(made.items()))[group::GROUPS]))

    async def look_at_each(self, at_relay: AtRelay, made: list[tuple[int, tuple[str, Callable[[], Body]]]]) -> None:
        """Look at the import, and get these bodies."""
        async with type(at_relay.hook).shared(at_relay.hook.conn_id) as hook:
            await look(hook, at_relay.run)  # looks the connection up, and logs in
            for number, (name, make) in made:
                body = make()
                for status in STATUSES if STEP == 1 else [STATUSES[number % len(STATUSES)]]:
                    at_relay.relay.instead = body.answer(status)
                    for _ in range(LOOKS):
                        with watched() as watch:
                            size = len(await look(hook, at_relay.run))
                        assert size < 100_000, name
                        if watch.longest < LONGEST_HOLD:
                            break
                    assert watch.longest < LONGEST_HOLD * slowness(), name

    def contents(self, at_relay: AtRelay, text: str) -> list[Callable[[], bytes]]:
        """What makes the vendor's answers with this text in one place; all at once, in UTF-16 and UTF-8, too."""
        found: list[Callable[[], bytes]] = []
        for value in self.values(at_relay):
            made = spoilers(value, text)
            found += [partial(_written, spoil) for spoil in made]
            found += [partial(_written, made[-1], encoding) for encoding in ("utf-16", "utf-8")]
        return found

    def all_fields(self, at_relay: AtRelay) -> dict[str, Any]:
        """The vendor's answer to the status, with every other field that one of its answers has."""
        answers = [value for value in self.values(at_relay) if isinstance(value, dict)]
        return {name: one for value in reversed(answers) for name, one in value.items() if one is not None}

    def values(self, at_relay: AtRelay) -> Iterator[Any]:
        """The JSON of the vendor's answers, that to the status first, and of the recorded ones."""
        recorded = [] if self.samples is None else sorted(self.samples.glob("*.json"))
        for content in [*at_relay.answers, *(path.read_bytes() for path in recorded)]:
            with suppress(ValueError):  # recorded because it is not JSON
                yield json.loads(content)


def _written(spoil: Callable[[], Any], encoding: str | None = None) -> bytes:
    """As JSON in ASCII, or in an encoding that has every character."""
    if encoding is None:
        return json.dumps(spoil()).encode()
    return json.dumps(spoil(), ensure_ascii=False).encode(encoding, "surrogatepass")


def writers_of(call: str) -> Iterator[tuple[str, str]]:
    """A share of all pairs of writers, another one for each call."""
    for number, first in enumerate(sorted(WRITERS)):
        if (number + _hash_of(call)) % WRITER_STEP == 0:
            yield first, SECOND_WRITERS[(number + _hash_of(call)) % len(SECOND_WRITERS)]


def is_not_promised(writers: tuple[str, str], content: bytes) -> bool:
    """Say whether a secret in a good answer may be told, since it is spelt as the docs on security say."""
    if "two headers" in writers:
        return True  # headers are joined so, and no good answer's body is
    return len(content) > MOST_LOOKED_THROUGH and (writers[1] == "base64" or writers[0] in SPLITTERS)


def outcome_of(call: Callable[[], object]) -> object:
    """What a call returns, or the error of ours that it raises; any other error is a fault."""
    try:
        return call()
    except VendorImportError as error:
        return error


def answers_with(
    text: str, status: Mapping[str, Any], kept: Collection[str]
) -> Iterator[tuple[int, bytes, dict[str, str | bytes]]]:
    """
    A spelt secret in every place of an answer of which something is told.

    :param status: a good answer of the vendor
    :param kept: its texts that name the run
    """
    quoted = json.dumps(text, ensure_ascii=False).encode()
    raw = text.encode()
    one_line = raw.replace(b"\0", b"").replace(b"\r\n ", b"\r\n\t")
    yield 400, b'{"error": ' + quoted + b"}", {}
    yield 400, b'{"error": "' + raw + b'"}', {"X-Request-Id": one_line}
    yield 401, b"<html><h1>" + raw + b"</h1></html>", {}
    yield 404, b"The key " + raw + b" is wrong", {"Location": one_line}
    yield 302, b"", {"Location": b"https://elsewhere.example/" + one_line, "CF-Ray": one_line}
    yield 400, text.encode("utf-16"), {}
    yield 400, f'{{"error": "{text}"}}'.encode("utf-16-le"), {}
    yield 400, f"Wrong: {text}".encode("latin-1", "replace"), {}
    for texts in (kept, ()):
        yield 200, telling(status, texts, lambda size: quoted.decode(), 0), {}
    yield 200, b'{"success": false, "error": ' + quoted + b"}", {}
    yield 200, b"The key is " + raw, {}


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


def _hash_of(*words: str) -> int:
    """The same number for the same words in every process, so that each call gets another share of the answers."""
    return sum(ord(one) for word in words for one in word)

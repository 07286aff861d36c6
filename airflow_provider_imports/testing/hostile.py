"""Answers that want to leak, mislead, flood or freeze: whatever a vendor answers, what is told of it is safe."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from unicodedata import category

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.models import ImportState
from airflow_provider_imports.testing.answers import bodies
from airflow_provider_imports.testing.at_relay import AtRelay, call_names
from airflow_provider_imports.testing.holds import look, slowness, watched
from airflow_provider_imports.testing.hostile_texts import HOSTILE, in_a_header, spoilers
from airflow_provider_imports.testing.matrix import STEP
from airflow_provider_imports.testing.spellings import PASSWORDS, SECOND_WRITERS, WRITERS, may_be_read, spelt
from airflow_provider_imports.testing.suite import LeftOut, Suite, each, tells_nothing
from airflow_provider_imports.testing.told import what_is_told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_imports.testing.cases import Start

#: Seconds for one step of the event loop while other tests run; ``python -m tests.hostile`` measures it alone.
LONGEST_HOLD = 0.25
#: A busy machine takes longer at times, even by the processor's clock; what holds the loop does so each time.
LOOKS = 3
#: Each hostile body is answered with one of these, with all of them if every cell of the fault matrix is run.
STATUSES = (200, 503, 401)
#: Tests that the hostile bodies are spread over.
GROUPS = 12
#: One spelling in so many is tried with each call.
WRITER_STEP = 5
#: Answers that one call is tried with.
MOST_ANSWERS = 12
#: Never told as they are.
FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Characters of anything that is told in one piece, and of one text in it.
MOST_TOLD = 40_000
LONGEST_RUN = 1_000


def groups_of_bodies(suite: type[Suite]) -> Sequence[int | LeftOut]:
    """All hostile bodies, in so many tests, at a vendor that reports a status."""
    if not any(start.waits for start in suite.starts):
        return [LeftOut("a look at an import", "it reports no status of a run")]
    return range(GROUPS)


class Hostile(Suite):
    """What is told of an answer holds no secret, is short, visible and can be stored; reading it holds nobody up."""

    @each("call", call_names)
    def test_no_call_tells_a_secret_however_it_is_spelt(self, at_relay: AtRelay, call: str) -> None:
        for number, writers in enumerate(writers_of(call)):
            password = PASSWORDS[(number + _hash_of(call)) % len(PASSWORDS)]
            at_relay.relay.instead = None
            at_relay.change_password(password)
            for status, content, headers in answers_with(spelt(password, *writers)):
                if status == 200 and "two headers" in writers:
                    continue  # headers are joined so, and no good answer's body is
                at_relay.relay.answer(status, content, headers)
                told = what_is_told(at_relay.hook, lambda hook: at_relay.call(call))
                assert [text for text in told if may_be_read(text, password)] == [], writers

    @each("name", lambda suite: HOSTILE)
    @each("call", call_names)
    def test_what_is_told_is_visible_short_and_can_be_stored(self, at_relay: AtRelay, call: str, name: str) -> None:
        text = HOSTILE[name]
        share = self.contents(at_relay, text)
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
    async def test_no_answer_holds_the_event_loop(self, at_relay: AtRelay, group: int) -> None:
        true = json.loads(at_relay.answers[0])
        made = bodies(true if isinstance(true, dict) else {"answer": true})
        async with type(at_relay.hook).shared(at_relay.hook.conn_id) as hook:
            await look(hook, at_relay.run)  # looks the connection up, and logs in
            for number, name in list(enumerate(made))[group::GROUPS]:
                body = made[name]()
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
        recorded = [] if self.samples is None else sorted(self.samples.glob("*.json"))
        found: list[Callable[[], bytes]] = []
        for content in [*at_relay.answers, *(path.read_bytes() for path in recorded)]:
            try:
                value = json.loads(content)
            except ValueError:
                continue  # recorded because it is not JSON
            made = spoilers(value, text)
            found += [partial(_written, spoil) for spoil in made]
            found += [partial(_written, made[-1], encoding) for encoding in ("utf-16", "utf-8")]
        return found


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


def outcome_of(call: Callable[[], object]) -> object:
    """What a call returns, or the error of ours that it raises; any other error is a fault."""
    try:
        return call()
    except VendorImportError as error:
        return error


def answers_with(text: str) -> Iterator[tuple[int, bytes, dict[str, str | bytes]]]:
    """A spelt secret in every place of an answer of which something is told."""
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
    names = (b"lastError", b"importStatus", b"state", b"status", b"_id", b"id")
    told = b", ".join(b'"%s": %s' % (name, quoted) for name in names)
    yield 200, b'{"success": true, "status": 6, ' + told + b', "operation": {"_id": ' + quoted + b"}}", {}
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

"""An answer is bounded while it is read, and its texts come out short, clean and whole, or not at all."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorAuthError, VendorUnavailableError
from airflow_provider_imports.hooks.pigment.calls import started, status_call
from airflow_provider_imports.hooks.rocketchat.operation import read_operation
from airflow_provider_imports.hooks.websale.status import read_import
from airflow_provider_imports.http.call import Answer, Call, UnreadableAnswerError
from airflow_provider_imports.http.reading import (
    LARGEST_ANSWER,
    LARGEST_ERROR,
    LARGEST_REPORT,
    MOST_VALUES,
    BrokenAnswerError,
    Reading,
)
from airflow_provider_imports.http.text import LONGEST_TEXT, clean, is_whole
from airflow_provider_imports.testing.wire import WireServer, answer
from tests.http.vendor import Connection

if TYPE_CHECKING:
    from tests.http.conftest import Send

READ = Call("get_status", "GET", "/status")
START = Call("start_import", "POST", "/start", starts=True)
BODY = json.dumps({"importStatus": "InProgress", "words": "größer " * 40}).encode()


def received(content: bytes, coding: str = "", status: int = 200, piece: int = 1 << 16, largest: int = 1000) -> bytes:
    reading = Reading(status, coding, largest)
    for at in range(0, len(content), piece):
        if not reading.add(content[at : at + piece]):
            return reading.cut()
    return reading.content()


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
        ("gzip", gzip.compress(BODY) + bytes(20)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
def test_a_whole_body_is_read_however_it_is_packed(coding: str, content: bytes, piece: int) -> None:
    assert received(content, coding, piece=piece) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_empty_body_needs_no_compression(coding: str) -> None:
    assert received(b"", coding) == b""


@pytest.mark.parametrize(
    ("coding", "content", "reason"),
    [
        ("gzip", gzip.compress(BODY)[:-9], "cut short"),
        ("gzip", b"\x1f", "cut short"),
        ("gzip", BODY, "compression is broken"),
        ("gzip", gzip.compress(b"") * 17, "too many parts"),
        ("deflate", b"\xff" * 20, "compression is broken"),
        ("br", BODY, "not asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), "not asked for"),
        ("", b"x" * 1001, "larger than 1,000 bytes"),
        ("gzip", gzip.compress(b"x" * 1001), "larger than 1,000 bytes"),
        ("gzip", gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 300, "larger than 1,000 bytes"),
    ],
)
def test_a_good_answer_that_is_broken_or_too_large_is_an_error(coding: str, content: bytes, reason: str) -> None:
    with pytest.raises(BrokenAnswerError, match=reason):
        received(content, coding)


@pytest.mark.parametrize("size", [999, 1000])
def test_a_good_answer_may_be_as_large_as_its_call_says(size: int) -> None:
    assert received(gzip.compress(b"x" * size), "gzip") == b"x" * size


@pytest.mark.parametrize("size", [LARGEST_ERROR - 1, LARGEST_ERROR, LARGEST_ERROR + 1, 60 << 20])
def test_of_a_large_error_the_beginning_is_read(size: int) -> None:
    content = received(gzip.compress(bytes(size)), "gzip", status=503)

    assert content == bytes(min(size, LARGEST_ERROR))


def test_of_an_error_whose_compression_breaks_what_came_before_is_read() -> None:
    assert received(gzip.compress(BODY)[:-8] + b"12345678", "gzip", status=401) == b""
    assert received(BODY, "br", status=401) == b""


def test_a_report_may_be_larger_than_a_status() -> None:
    assert status_call("x", detailed_report=False).largest_answer == LARGEST_ANSWER
    assert status_call("x", detailed_report=True).largest_answer == LARGEST_REPORT > LARGEST_ANSWER


async def test_a_start_whose_good_answer_is_too_large_may_have_acted(send: Send) -> None:
    with (
        WireServer(answer(200, b" " * (LARGEST_ANSWER + 1))) as server,
        pytest.raises(UnknownOutcomeError, match="larger than 1,048,576 bytes"),
    ):
        await send(Connection(server.url), START)


async def test_a_refusal_stays_one_however_large_its_body_is(send: Send) -> None:
    page = gzip.compress(b"Unauthorized" + b" x" * (30 << 20))
    with (
        WireServer(answer(401, page, Content_Encoding="gzip")) as server,
        pytest.raises(VendorAuthError, match="Unauthorized"),
    ):
        await send(Connection(server.url), READ)


async def test_an_outage_stays_one_however_large_its_body_is(send: Send) -> None:
    body = gzip.compress(b"\n" * (60 << 20))
    with (
        WireServer(answer(503, body, Content_Encoding="gzip")) as server,
        pytest.raises(VendorUnavailableError, match="HTTP 503 without a message"),
    ):
        await send(Connection(server.url), READ)


def json_of(content: str | bytes) -> object:
    return Answer(200, {}, content if isinstance(content, bytes) else content.encode()).json()


def test_every_text_and_every_name_is_cut_and_clean() -> None:
    long = "x" * (LONGEST_TEXT + 1)
    value = json_of(json.dumps({"a\nb": ["\u202e", {"c\x00": "\ud83d"}], "d": long}))

    assert value == {r"a\nb": [r"\u202e", {r"c\x00": r"\ud83d"}], "d": f"{'x' * (LONGEST_TEXT - 1)}…"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_is_read_in_every_encoding_of_unicode(encoding: str) -> None:
    assert json_of(json.dumps({"a": "größer"}, ensure_ascii=False).encode(encoding)) == {"a": "größer"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" + "0," * MOST_VALUES + "0]", "more than 12,000 values"),
        ("[" * 65 + "]" * 65, "nested too deeply"),
        ("[" * 10_000, "nested too deeply|not JSON"),
        ("9" * 101, "too many digits"),
        ("1e999", "too large"),
        ("-1e999", "too large"),
        ("NaN", "NaN is not JSON"),
        ("{", "not JSON but 1 bytes"),
        (" <p>", "not JSON but HTML"),
    ],
)
def test_what_cannot_be_an_answer_is_unreadable_and_not_quoted_by_the_error(content: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=reason) as raised:
        json_of(content)

    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@given(st.text())
def test_a_clean_text_is_short_visible_and_stays_as_it_is(text: str) -> None:
    once = clean(text, 20)

    assert once.isprintable()
    assert len(once) <= 20
    assert clean(once, 20) == once
    assert (once == text) or not is_whole(once)


@pytest.mark.parametrize("spoilt", ["64d6f0c2\na9b1", "64d6f0c2a9b1\u202e", "64d6\x00", "x" * 600])
def test_an_identifier_never_turns_into_another_one(spoilt: str) -> None:
    told = json_of(json.dumps(spoilt))

    with pytest.raises(UnreadableAnswerError, match="not an id"):
        read_operation({"_id": told, "status": "importer_new", "valid": True})
    with pytest.raises(UnreadableAnswerError, match="no time"):
        read_import("product", {"status": 2, "start": told})


@pytest.mark.parametrize(
    "spoilt",
    [
        " 3d0d7d0-6125-47c4-b36a-882f4ed53b33",
        "33d0d7d0_6125_47c4_b36a_882f4ed53b33",
        "٣3d0d7d0-6125-47c4-b36a-882f4ed53b33",
        "33d0d7d0-6125-47c4-b36a-882f4ed53b33\n",
        "{33d0d7d0-6125-47c4-b36a-882f4ed53b33}",
    ],
)
def test_an_import_id_is_read_as_it_is_or_not_at_all(spoilt: str) -> None:
    flow = started(READ)
    next(flow)

    with pytest.raises(UnreadableAnswerError, match="no importId"):
        flow.send(Answer(200, {}, json.dumps({"importId": spoilt}).encode()))

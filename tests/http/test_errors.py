"""Any answer becomes one bounded line and the exception that a user can act on."""

import json
import re
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.http.call import Answer, Call, NoAnswer, Repeat, SendResult, UnreadableAnswerError
from airflow_provider_imports.http.errors import read_message, refusal_of, request_id, unreadable
from airflow_provider_imports.http.text import LONGEST_TEXT
from airflow_provider_imports.installed import installed_entry

READ = Call("get_status", "GET", "/status")
START = Call("start_import", "POST", "/start", repeat=Repeat.IF_NOT_ACTED, starts=True)

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=10) | st.sampled_from(["error", "errors", "message", "detail", "success"]),
            inner,
            max_size=4,
        )
    ),
)
bodies = st.one_of(
    st.binary(max_size=300),
    st.text().map(str.encode),
    any_json.map(lambda value: json.dumps(value).encode()),
    st.text(alphabet="<>!-[]/script &;#x?abc'\"=\n", max_size=200).map(lambda text: f"<{text}".encode()),
)
header_values = st.text(st.characters(max_codepoint=0xDFFF), max_size=30)
headers = st.dictionaries(
    st.sampled_from(["location", "retry-after", "x-request-id", "x-ratelimit-reset", "cf-ray"]), header_values
)
answers = st.builds(Answer, st.integers(100, 999), headers, bodies)
outcomes = answers | st.builds(NoAnswer, st.just("no answer within 60 s"), st.booleans())


@given(bodies)
def test_any_body_becomes_one_bounded_line_that_can_be_stored(content: bytes) -> None:
    line = read_message(Answer(400, {}, content))

    assert len(line) <= LONGEST_TEXT
    assert line.isprintable()
    assert line == line.strip()
    line.encode()


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"error": "bad key"}, "bad key"),
        ({"message": "bad key"}, "bad key"),
        ({"success": False, "error": "no", "message": "bad"}, "bad; no"),
        ({"errors": ["one", "two"]}, "one; two"),
        ({"errors": [{"message": "one", "field": "id"}, {"message": "two"}]}, "one; two"),
        ({"errors": {"name": ["too long", "odd"], "id": ["missing"]}}, "name: too long; name: odd; id: missing"),
        ({"errors": {"name": "too long"}}, "name: too long"),
        ({"error": {"message": "nested", "code": 17}}, "nested; 17"),
        ({"title": "Bad Request", "detail": "no such column"}, "no such column; Bad Request"),
        (["one", "two"], "one; two"),
        ("just words", "just words"),
        ({"error": None}, '{"error": null}'),
        ({"message": "same", "error": "same"}, "same"),
    ],
)
def test_every_shape_of_error_is_read(body: Any, line: str) -> None:
    assert read_message(Answer(400, {}, json.dumps(body).encode())) == line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b"  \n ", ""),
        (b"Service\n Unavailable", "Service Unavailable"),
        (
            b"<html><head><style>p {}</style></head><h1>502</h1> Bad&nbsp;Gateway</html>",
            "an HTML page: 502 Bad Gateway",
        ),
        (b'\xef\xbb\xbf{"error": "with a byte-order mark"}', "with a byte-order mark"),
        ("größer".encode("latin-1"), "gr��er"),
        (b'{"error": "\\ud800 and \\u0000"}', "\\ud800 and \\x00"),
    ],
)
def test_text_html_and_odd_bytes_are_read(content: bytes, line: str) -> None:
    assert read_message(Answer(400, {}, content)) == line


def test_json_nested_too_deeply_for_python_is_plain_text() -> None:
    assert read_message(Answer(400, {}, b"[" * 100_000)).startswith("[[[")
    with pytest.raises(UnreadableAnswerError):
        Answer(200, {}, b"[" * 100_000).json()


@given(outcomes, st.sampled_from([READ, START]))
def test_every_outcome_is_judged(outcome: SendResult, call: Call) -> None:
    error = refusal_of("pigment", "Pigment", call, outcome)

    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
        assert (error is None) == (call is READ or not outcome.is_web_page)
        return
    assert isinstance(error, VendorImportError)
    assert (error.vendor, error.operation) == ("pigment", call.operation)
    assert error.status_code == (outcome.status if isinstance(outcome, Answer) else None)
    assert len(str(error)) < 4 * LONGEST_TEXT
    str(error).encode()
    (error.request_id or "").encode()


@given(outcomes)
def test_after_a_start_only_what_surely_did_nothing_is_not_unknown(outcome: SendResult) -> None:
    error = refusal_of("pigment", "Pigment", START, outcome)

    if isinstance(outcome, NoAnswer):
        assert isinstance(error, UnknownOutcomeError) == outcome.may_have_acted
    elif 200 <= outcome.status < 300:
        assert isinstance(error, UnknownOutcomeError) == outcome.is_web_page
    elif outcome.status >= 500 or outcome.status in (302, 303, 408) or outcome.status < 200:
        assert isinstance(error, UnknownOutcomeError)
    else:
        assert not isinstance(error, UnknownOutcomeError)


@given(outcomes)
def test_a_read_has_no_unknown_outcome(outcome: SendResult) -> None:
    assert not isinstance(refusal_of("pigment", "Pigment", READ, outcome), UnknownOutcomeError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VendorRequestError),
        (401, VendorAuthError),
        (403, VendorAuthError),
        (404, VendorRequestError),
        (413, VendorRequestError),
        (429, VendorRateLimitError),
        (500, VendorUnavailableError),
        (503, VendorUnavailableError),
        (302, VendorRequestError),
    ],
)
def test_an_error_carries_vendor_operation_status_message_and_request_id(
    status: int, kind: type[VendorImportError]
) -> None:
    answer = Answer(status, {"x-request-id": "req-1"}, b'{"error": "said the vendor"}')

    error = refusal_of("pigment", "Pigment", READ, answer)

    assert type(error) is kind
    assert (error.vendor, error.operation, error.status_code) == ("pigment", "get_status", status)
    assert (error.vendor_message, error.request_id) == ("said the vendor", "req-1")
    if status != 302:
        assert re.match(rf"Pigment get_status: HTTP {status}: said the vendor \(request id req-1\)\. \w", str(error))


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("vendor", "credentials"),
    [
        ("bloomreach", "API key ID and API secret"),
        ("blueshift", "User API key"),
        ("pigment", "API key"),
        ("rocketchat", "User ID and Personal access token"),
        ("websale", "Admin e-mail and Password or API key"),
    ],
)
def test_a_refusal_of_credentials_names_the_fields_of_the_vendors_form(
    status: int, vendor: str, credentials: str
) -> None:
    error = refusal_of(vendor, "The vendor", READ, Answer(status, {}, b""), installed_entry(vendor).credentials)

    assert str(error).endswith(f"; nothing was done. Check the Airflow connection's {credentials}.")


def test_permanent_errors_are_not_retried_by_airflow_and_transient_ones_are() -> None:
    permanent = {VendorAuthError, VendorRequestError, UnknownOutcomeError}
    transient = {VendorRateLimitError, VendorUnavailableError}

    assert all(issubclass(one, AirflowFailException) for one in permanent)
    assert not any(issubclass(one, AirflowFailException) for one in transient)


@given(answers)
def test_a_good_status_with_an_unreadable_body_is_unknown_only_after_a_start(answer: Answer) -> None:
    assert isinstance(unreadable("p", "P", START, answer, "no importId"), UnknownOutcomeError)
    assert isinstance(unreadable("p", "P", READ, answer, "no importId"), VendorUnavailableError)


@given(answers)
def test_an_answer_is_read_as_json_that_can_be_stored_or_is_unreadable(answer: Answer) -> None:
    try:
        value = answer.json()
    except UnreadableAnswerError:
        return
    stored = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    assert b"\x00" not in stored
    assert "\\u0000" not in json.dumps(value)


def test_the_first_of_the_known_request_ids_is_taken() -> None:
    assert request_id(Answer(500, {"cf-ray": "b", "x-request-id": "a"}, b"")) == "a"
    assert request_id(Answer(500, {"cf-ray": "b"}, b"")) == "b"
    assert request_id(Answer(500, {}, b"")) is None

"""The whole sentence that a user reads when an answer was not a good one."""

import json
from typing import Any

import pytest

from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.http.call import Answer, Call, NoAnswer, Repeat
from airflow_provider_imports.http.errors import read_message, refusal_of, request_id, unreadable
from airflow_provider_imports.http.text import LONGEST_TEXT, cut

READ = Call("get_status", "GET", "/status")
START = Call("start_import", "POST", "/start", repeat=Repeat.IF_NOT_ACTED, starts=True)
CANCEL = Call("cancel_import", "DELETE", "/import")

REFUSED = "The request was refused; nothing was done, and a retry would be refused again."
WEB_PAGE = "A web page answered, not an import API: check the host of the Airflow connection, and any proxy."
SAFE = "Nothing was changed by this; a retry is safe."
NOT_SENT = "Nothing reached Pigment. Check the connection's host and the network; a retry is safe."
UNKNOWN = "It is unknown whether the vendor acted on it."


def error_answer(body: Any) -> Answer:
    return Answer(400, {}, json.dumps(body).encode())


def redirected(target: str) -> str:
    return f"It redirects to {target}; nothing was done. Put the right host in the connection."


@pytest.mark.parametrize(
    ("call", "status", "kind", "advice"),
    [
        (READ, 199, VendorUnavailableError, SAFE),
        (READ, 300, VendorRequestError, redirected("an address it does not name")),
        (READ, 303, VendorRequestError, redirected("an address it does not name")),
        (READ, 304, VendorRequestError, redirected("an address it does not name")),
        (READ, 399, VendorRequestError, redirected("an address it does not name")),
        (READ, 400, VendorRequestError, REFUSED),
        (READ, 408, VendorUnavailableError, SAFE),
        (READ, 409, VendorRequestError, REFUSED),
        (READ, 429, VendorRateLimitError, "Too many requests; nothing was done. A later retry is safe."),
        (READ, 499, VendorRequestError, REFUSED),
        (READ, 500, VendorUnavailableError, SAFE),
        (START, 199, UnknownOutcomeError, UNKNOWN),
        (START, 300, VendorRequestError, redirected("an address it does not name")),
        (START, 302, UnknownOutcomeError, UNKNOWN),
        (START, 303, UnknownOutcomeError, UNKNOWN),  # "see what I have made of it"
        (START, 304, VendorRequestError, redirected("an address it does not name")),
        (START, 400, VendorRequestError, REFUSED),
        (START, 408, UnknownOutcomeError, UNKNOWN),
        (START, 409, VendorRequestError, REFUSED),
        (START, 500, UnknownOutcomeError, UNKNOWN),
    ],
)
def test_every_status_says_what_became_of_it_and_what_to_do(
    call: Call, status: int, kind: type[VendorImportError], advice: str
) -> None:
    error = refusal_of("pigment", "Pigment", call, Answer(status, {}, b""))

    assert type(error) is kind
    assert str(error) == f"Pigment {call.operation}: HTTP {status} without a message. {advice}"


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_good_status_is_no_refusal(status: int) -> None:
    assert refusal_of("pigment", "Pigment", START, Answer(status, {}, b"")) is None


@pytest.mark.parametrize(("call", "kind"), [(START, UnknownOutcomeError), (CANCEL, VendorUnavailableError)])
def test_a_web_page_with_a_good_status_is_not_the_vendors_word(call: Call, kind: type[VendorImportError]) -> None:
    error = refusal_of("pigment", "Pigment", call, Answer(200, {}, b"<html>Sign in"))

    assert type(error) is kind
    assert "the answer (HTTP 200) is not JSON but HTML (an HTML page: Sign in)" in str(error)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://login.example.com/sso?token=s3cret&next=/?x", "https://login.example.com/sso"),
        ("https://login.example.com/\r\nX-Evil: 1", "https://login.example.com/ X-Evil: 1"),
        ("/" + "x" * 2000, "/" + "x" * (LONGEST_TEXT - 2) + "…"),
    ],
)
def test_a_redirect_is_told_with_its_target_and_without_the_query(location: str, target: str) -> None:
    error = refusal_of("pigment", "Pigment", READ, Answer(302, {"location": location}, b""))

    assert str(error) == f"Pigment get_status: HTTP 302 without a message. {redirected(target)}"


@pytest.mark.parametrize("content", [b"<html>Not Found</html>", b"\n <p>Not Found", b"\xef\xbb\xbf <p>Not Found"])
def test_a_page_for_people_means_that_the_host_is_wrong(content: bytes) -> None:
    error = refusal_of("pigment", "Pigment", READ, Answer(404, {}, content))

    assert str(error) == (f"Pigment get_status: HTTP 404: an HTML page: Not Found. {SAFE} {WEB_PAGE}")
    assert type(error) is VendorUnavailableError
    error = refusal_of("pigment", "Pigment", START, Answer(404, {}, content))

    assert str(error) == (
        "Pigment start_import: HTTP 404: an HTML page: Not Found. The request was refused; nothing was done. "
        f"{WEB_PAGE}"
    )


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("call", [READ, START])
def test_a_page_that_refuses_is_the_word_of_a_gateway_not_of_the_vendor(status: int, call: Call) -> None:
    error = refusal_of("pigment", "Pigment", call, Answer(status, {}, b"<html>Just a moment"))

    assert type(error) is VendorUnavailableError
    assert str(error) == (
        f"Pigment {call.operation}: HTTP {status}: an HTML page: Just a moment. Nothing was done; a retry is safe. "
        f"{WEB_PAGE}"
    )


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (413, VendorRequestError, "The request is too large for the vendor or a gateway before it; nothing was done."),
        (429, VendorRateLimitError, "Too many requests; nothing was done. A later retry is safe."),
        (502, UnknownOutcomeError, UNKNOWN),
        (504, UnknownOutcomeError, UNKNOWN),
    ],
)
def test_a_page_of_a_status_that_gateways_have_too_keeps_its_advice(
    status: int, kind: type[VendorImportError], advice: str
) -> None:
    error = refusal_of("pigment", "Pigment", START, Answer(status, {}, b"<html>Sorry"))

    assert type(error) is kind
    assert str(error) == f"Pigment start_import: HTTP {status}: an HTML page: Sorry. {advice}"


@pytest.mark.parametrize("content", [b'{"error": "a < b"}', b"a <b>", b">"])
def test_what_is_no_page_is_not_taken_for_one(content: bytes) -> None:
    error = refusal_of("pigment", "Pigment", READ, Answer(404, {}, content))

    assert str(error).endswith(REFUSED)


def test_credentials_of_a_vendor_without_a_form_of_its_own_are_login_and_password() -> None:
    error = refusal_of("harbor", "Harbor", READ, Answer(401, {}, b""))

    assert str(error) == (
        "Harbor get_status: HTTP 401 without a message. The credentials were refused; nothing was done. "
        "Check the Airflow connection's login and password."
    )


@pytest.mark.parametrize(
    ("call", "may_have_acted", "kind", "told"),
    [
        (READ, False, VendorUnavailableError, NOT_SENT),
        (
            START,
            False,
            VendorUnavailableError,
            NOT_SENT,
        ),
        (READ, True, VendorUnavailableError, SAFE),
        (START, True, UnknownOutcomeError, UNKNOWN),
    ],
)
def test_silence_is_told_by_what_may_have_reached_the_vendor(
    call: Call, may_have_acted: bool, kind: type[VendorImportError], told: str
) -> None:
    error = refusal_of("pigment", "Pigment", call, NoAnswer("no answer within 60 s", may_have_acted))

    assert type(error) is kind
    assert str(error) == f"Pigment {call.operation}: no answer within 60 s. {told}"


def test_a_request_of_which_only_a_part_arrived_is_told_as_one() -> None:
    error = refusal_of("pigment", "Pigment", START, NoAnswer("cut off", may_have_acted=False, incomplete=True))

    assert type(error) is VendorUnavailableError
    assert str(error) == (
        f"Pigment {START.operation}: cut off. Pigment got only a part of the request, on which it can't act; "
        "a retry is safe."
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", f"Pigment get_status: no importStatus. {SAFE}"),
        (b'{"status": 3}', f'Pigment get_status: no importStatus ({{"status": 3}}). {SAFE}'),
        (b"x" * 200, f"Pigment get_status: no importStatus ({'x' * 120}). {SAFE}"),
        (b"<p>Log in", f"Pigment get_status: no importStatus (an HTML page: Log in). {SAFE} {WEB_PAGE}"),
    ],
)
def test_an_answer_that_cannot_be_read_is_shown_in_part(content: bytes, told: str) -> None:
    assert str(unreadable("pigment", "Pigment", READ, Answer(200, {}, content), "no importStatus")) == told


def test_the_vendors_full_stop_is_not_doubled() -> None:
    answer = Answer(404, {}, b'{"error": "No such import. NOT FOUND: LXX."}')

    error = refusal_of("pigment", "Pigment", READ, answer)

    assert str(error) == f"Pigment get_status: HTTP 404: No such import. NOT FOUND: LXX. {REFUSED}"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"error": True, "message": "bad key"}, "bad key"),
        ({"code": 17.5}, "17.5"),
        ({"data": {"errors": ["one"]}}, "one"),
        ({"data": {"name": "too long", "success": "no"}}, "name: too long"),
        ({"errors": [f"line {n}" for n in range(40)]}, "; ".join(f"line {n}" for n in range(20))),
        ({"errors": {f"line {n}": "bad" for n in range(40)}}, "; ".join(f"line {n}: bad" for n in range(20))),
        ({"error": {"error": {"error": {"error": {"error": {"error": "deep"}}}}}}, "deep"),
        ([[[[[["deep"]]]]]], "deep"),
        ({"a": {"b": {"c": {"d": {"e": {"f": "deep"}}}}}}, "b: c: d: e: f: deep"),
    ],
)
def test_the_telling_part_of_a_body_is_found_wherever_it_stands(body: Any, line: str) -> None:
    assert read_message(error_answer(body)) == line


@pytest.mark.parametrize(
    "word", ["message", "error", "errors", "detail", "description", "title", "reason", "code", "type"]
)
def test_words_that_tell_something_are_told_alone(word: str) -> None:
    assert read_message(error_answer({"field": "amount", word: "too long"})) == "too long"


@pytest.mark.parametrize("word", ["success", "status", "meta", "stack", "details", "errorType"])
def test_words_that_tell_nothing_are_left_out(word: str) -> None:
    assert read_message(error_answer({word: "useless", "field": "too long"})) == "too long"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"error": {"error": {"error": {"error": {"error": {"error": "too deep"}}}}}}},
        [[[[[[["too deep"]]]]]]],
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": "too deep"}}}}}}},
        {"success": False},
    ],
)
def test_a_body_without_a_message_is_shown_as_it_is(body: Any) -> None:
    assert read_message(error_answer(body)) == json.dumps(body)


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("<style>p { color: red }</style>Bad Gateway", "Bad Gateway"),
        ("<script>if (a < b) track()</script>Bad Gateway", "Bad Gateway"),
        ("<SCRIPT>track()</SCRIPT><p>Bad</p> <b>Gateway</b><style>p {}</style>", "Bad Gateway"),
        ("<p>Bad</p>Gateway<script>track()", "Bad Gateway"),
        ("<!DOCTYPE html>Bad Gateway", "Bad Gateway"),
        ("<p>Bad Gateway</p><![foo]>", "Bad Gateway"),  # html.parser of Python 3.11 gives up on it
        ("<p>Sorry" + " " * 8 * LONGEST_TEXT + "for the rest", "Sorry"),
        ("<p>Sorry" + "<br>" * 2 * LONGEST_TEXT + "for the rest", "Sorry"),
        ("<p>" + "Bad Gateway " * 1000, ("Bad Gateway " * 50)[: LONGEST_TEXT - len("an HTML page: ") - 1] + "…"),
    ],
)
def test_of_a_page_people_see_what_its_reader_would_see(page: str, line: str) -> None:
    assert read_message(Answer(400, {}, page.encode())) == f"an HTML page: {line}"


def test_a_text_is_cut_only_if_it_is_too_long() -> None:
    assert cut("12345", 5) == "12345"
    assert cut("123456", 5) == "1234…"


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-correlation-id", "cf-ray"])
def test_the_id_of_a_request_is_found_in_any_of_the_usual_headers(name: str) -> None:
    assert request_id(Answer(500, {name: "req-\n7"}, b"")) == "req- 7"

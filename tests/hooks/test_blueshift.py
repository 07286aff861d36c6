"""Blueshift's hook against recorded answers: what is sent, what is read, and what each refusal tells the user."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportBusyError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.blueshift import BlueshiftHook
from airflow_provider_imports.http.retry import MOST_ATTEMPTS
from airflow_provider_imports.models import ImportState, ImportStatus
from airflow_provider_imports.polling import Outcome, PollPolicy
from airflow_provider_imports.report import report
from tests.hooks.lost import not_connected

if TYPE_CHECKING:
    import requests_mock

US, EU = "https://api.getblueshift.com", "https://api.eu.getblueshift.com"
KEY = "blueshift-user-s3cret"
UUID = "3f6b8f0e-9a3d-4c55-8a57-0c8f6f1d2a10"
PATH = "/api/v1/customer_attributes/trigger_import"
REQUEST_ID = "0b9c2f6e-7a51-4a7e-9f5b-1d2c3b4a5968"

Connect = Callable[..., BlueshiftHook]
Sample = Callable[..., dict[str, Any]]


@pytest.fixture
def connect(set_connection: Callable[..., str]) -> Connect:
    def define(password: str = KEY, **fields: Any) -> BlueshiftHook:
        return BlueshiftHook(set_connection("blueshift_default", conn_type="blueshift", password=password, **fields))

    return define


@pytest.fixture
def sample(samples: Callable[[str], bytes]) -> Sample:
    """A recorded answer, with the request id that Blueshift sends along."""

    def read(status: int, name: str) -> dict[str, Any]:
        headers = {"x-request-id": REQUEST_ID, "x-runtime": "0.01"}
        return {"status_code": status, "content": samples(f"blueshift/{name}.json"), "headers": headers}

    return read


def refused(hook: BlueshiftHook, kind: type[VendorImportError]) -> VendorImportError:
    """The error of a trigger, with a text that can be shown."""
    with pytest.raises(kind) as caught:
        hook.trigger_customer_import(UUID)
    error = caught.value
    assert type(error) is kind
    assert KEY not in f"{error} {vars(error)}"
    assert str(error).startswith("Blueshift trigger_customer_import: ")
    assert str(error).endswith(".")
    assert ".." not in str(error)
    assert "None" not in str(error)
    return error


# What is sent


def test_the_key_is_sent_as_user_name_with_an_empty_password(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(US + PATH, **sample(200, "accepted"))
    connect().trigger_customer_import(UUID.upper())
    (request,) = vendor.request_history
    kind, _, credentials = request.headers["Authorization"].partition(" ")
    assert (kind, b64decode(credentials).decode()) == ("Basic", f"{KEY}:")
    assert request.json() == {"uuid": UUID}
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("fields", "host", "page"),
    [
        ({}, US, f"https://app.getblueshift.com/dashboard#/app/customer/import_show/{UUID}"),
        (
            {"extra": {"region": "us"}},
            US,
            f"https://app.getblueshift.com/dashboard#/app/customer/import_show/{UUID}",
        ),
        ({"extra": {"region": "eu"}}, EU, None),
        (
            {"extra": {"region": "eu"}, "host": "https://gateway.example/blueshift/"},
            "https://gateway.example/blueshift",
            None,
        ),
        ({"host": "gateway.example"}, "https://gateway.example", None),
    ],
    ids=["by default us", "us", "eu", "own host before region", "own host"],
)
def test_a_run_links_to_its_task_only_where_the_address_is_known(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, fields: dict[str, Any], host: str, page: str | None
) -> None:
    vendor.post(host + PATH, **sample(200, "accepted"))
    run = connect(**fields).trigger_customer_import(UUID)
    assert (run.vendor, run.key, run.url, run.remark) == ("blueshift", {"uuid": UUID}, page, None)
    assert run.sendings == 1
    assert len(vendor.request_history) == 1


def test_an_unknown_region_is_refused_by_name(vendor: requests_mock.Mocker, connect: Connect) -> None:
    with pytest.raises(ConnectionSettingsError, match="region must be us or eu, not 'europe'"):
        connect(extra={"region": "europe"}).trigger_customer_import(UUID)
    assert not vendor.called


def test_a_missing_key_is_asked_for_where_it_belongs(vendor: requests_mock.Mocker, connect: Connect) -> None:
    with pytest.raises(ConnectionSettingsError, match="no User API key; enter it as password"):
        connect(password="", login=KEY).trigger_customer_import(UUID)
    assert not vendor.called


@pytest.mark.parametrize("uuid", ["", "my-task", "../catalogs", None, 7])
def test_what_is_not_a_uuid_is_not_sent(vendor: requests_mock.Mocker, connect: Connect, uuid: Any) -> None:
    with pytest.raises(InvalidInputError, match="uuid must be a UUID"):
        connect().trigger_customer_import(uuid)
    assert not vendor.called


# The error table


@pytest.mark.parametrize(
    ("status", "name", "kind", "told"),
    [
        (400, "uuid_blank", VendorRequestError, ["can't be blank"]),
        (401, "not_authorized", VendorAuthError, ["Not authorized", "User API key", "Event API key", EU]),
        (403, "permission_denied", VendorAuthError, ["Permission denied", "administrator"]),
        (404, "task_not_found", VendorRequestError, ["Resource not found", "no customer import task with this uuid"]),
        (404, "path_not_found", VendorRequestError, ["Not Found", "API is not at this host", US, EU]),
        (405, "action_not_supported", VendorRequestError, ["not Amazon S3", "not launched", "being processed already"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_is_final_and_says_what_to_do(
    vendor: requests_mock.Mocker,
    connect: Connect,
    sample: Sample,
    status: int,
    name: str,
    kind: type[VendorImportError],
    told: list[str],
) -> None:
    vendor.post(US + PATH, **sample(status, name))
    error = refused(connect(), kind)
    assert (error.status_code, error.request_id) == (status, REQUEST_ID)
    assert REQUEST_ID in str(error)
    assert [part for part in told if part not in str(error)] == []
    assert len(vendor.request_history) == 1


def test_a_missing_task_is_told_apart_from_a_wrong_host(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(US + PATH, [sample(404, "task_not_found"), sample(404, "path_not_found")])
    missing, unrouted = refused(connect(), VendorRequestError), refused(connect(), VendorRequestError)
    assert "host" not in str(missing)
    assert "uuid" not in str(unrouted)


def test_a_429_is_sent_again_until_it_is_taken(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(US + PATH, [sample(429, "rate_limit_exceeded"), sample(200, "accepted")])
    run = connect().trigger_customer_import(UUID)
    assert (run.remark, run.sendings) == (None, 1)
    assert len(vendor.request_history) == 2


def test_a_429_without_end_is_a_rate_limit(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(US + PATH, **sample(429, "rate_limit_exceeded"))
    assert REQUEST_ID in str(refused(connect(), VendorRateLimitError))
    assert len(vendor.request_history) == MOST_ATTEMPTS


GATEWAY_ERRORS = pytest.mark.parametrize(
    ("status", "name"),
    [
        (502, "bad_gateway"),
        (503, "service_unavailable"),
        (504, "gateway_timeout"),
    ],
)


@GATEWAY_ERRORS
def test_a_start_is_sent_again_as_blueshift_asks_and_says_so(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, status: int, name: str
) -> None:
    vendor.post(US + PATH, [sample(status, name), sample(status, name), sample(200, "accepted")])
    run = connect().trigger_customer_import(UUID)
    assert run.sendings == len(vendor.request_history) == 3
    assert run.remark is not None
    assert f"sent 3 times, as Blueshift asks: before, it had answered HTTP {status}, HTTP {status}." in run.remark
    assert "may have accepted more than one" in run.remark


@pytest.mark.parametrize("status", [500, 501, 505, 520])
def test_any_other_5xx_is_an_unknown_outcome_and_not_sent_again(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, status: int
) -> None:
    vendor.post(US + PATH, **sample(status, "internal_server_error"))
    error = refused(connect(), UnknownOutcomeError)
    assert len(vendor.request_history) == 1
    assert ("contact its support (support@blueshift.com)" in str(error)) is (status == 500)


@pytest.mark.parametrize(
    "words",
    [
        "Error: The import is already being processed",
        "Import is being processed",
        "Task already running",
        "import already in progress",
        "The task is currently processing",
    ],
)
def test_a_task_that_is_being_processed_is_busy_and_not_refused_for_good(
    vendor: requests_mock.Mocker, connect: Connect, words: str
) -> None:
    vendor.post(US + PATH, status_code=405, json={"errors": [{"title": "error", "detail": words}]})
    error = refused(connect(), ImportBusyError)
    assert not isinstance(error, AirflowFailException)
    assert "a later retry is safe" in str(error)
    assert error.status_code == 405
    assert len(vendor.request_history) == 1


@GATEWAY_ERRORS
def test_a_405_in_answer_to_such_a_repeat_is_an_accepted_start(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, status: int, name: str
) -> None:
    vendor.post(US + PATH, [sample(status, name), sample(405, "action_not_supported")])
    run = connect().trigger_customer_import(UUID)
    assert run.key == {"uuid": UUID}
    assert run.remark is not None
    assert f"HTTP {status}" in run.remark
    assert "an earlier one was accepted" in run.remark
    assert run.sendings == 2


def test_a_rate_limit_in_between_does_not_make_the_5xx_forgotten(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    answers = [sample(502, "bad_gateway"), sample(429, "rate_limit_exceeded"), sample(405, "action_not_supported")]
    vendor.post(US + PATH, answers)
    run = connect().trigger_customer_import(UUID)
    assert "HTTP 502" in (run.remark or "")
    assert run.sendings == 2, "what was put off was not acted on"


def test_a_405_after_a_mere_rate_limit_is_a_refusal(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(US + PATH, [sample(429, "rate_limit_exceeded"), sample(405, "action_not_supported")])
    refused(connect(), VendorRequestError)


def test_gateway_errors_until_the_end_are_an_unknown_outcome(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(US + PATH, **sample(503, "service_unavailable"))
    error = refused(connect(), UnknownOutcomeError)
    assert "unknown whether the vendor acted" in str(error)
    assert REQUEST_ID in str(error)
    assert len(vendor.request_history) == MOST_ATTEMPTS


@pytest.mark.parametrize(
    "last",
    [{"text": not_connected}, {"status_code": 401}, {"status_code": 429}, {"status_code": 404}],
    ids=["no connection", "401", "429", "404"],
)
def test_after_a_5xx_no_later_refusal_makes_the_outcome_known(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, last: dict[str, Any]
) -> None:
    vendor.post(US + PATH, [sample(502, "bad_gateway"), last])
    error = refused(connect(), UnknownOutcomeError)
    assert "HTTP 502" in str(error)
    assert "Sending it again did not settle that" in str(error)


@pytest.mark.parametrize(
    "cause", [requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError], ids=["timeout", "broken"]
)
def test_a_start_without_an_answer_is_not_sent_again(
    vendor: requests_mock.Mocker, connect: Connect, cause: type[Exception]
) -> None:
    vendor.post(US + PATH, exc=cause)
    refused(connect(), UnknownOutcomeError)
    assert len(vendor.request_history) == 1


def test_a_host_that_cannot_be_reached_started_nothing(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.post(US + PATH, text=not_connected)
    assert "a retry is safe" in str(refused(connect(), VendorUnavailableError))


@pytest.mark.parametrize("content", [b"", b"<html><h1>Welcome</h1></html>", b"[]", b'{"status": "okay"}', None])
def test_a_200_that_does_not_say_ok_is_an_unknown_outcome(
    vendor: requests_mock.Mocker, connect: Connect, samples: Callable[[str], bytes], content: bytes | None
) -> None:
    body = samples("blueshift/answer_of_another_kind.json") if content is None else content
    vendor.post(US + PATH, content=body, headers={"X-Request-Id": REQUEST_ID})
    assert REQUEST_ID in str(refused(connect(), UnknownOutcomeError))
    assert len(vendor.request_history) == 1


def test_a_status_cannot_be_asked_for(connect: Connect, vendor: requests_mock.Mocker, sample: Sample) -> None:
    vendor.post(US + PATH, **sample(200, "accepted"))
    hook = connect()
    run = hook.trigger_customer_import(UUID)
    with pytest.raises(NotImplementedError, match="publishes no status"):
        hook.get_status(run)
    with pytest.raises(NotImplementedError, match="no call that cancels"):
        hook.cancel(run)


def test_a_run_survives_the_way_through_json(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(US + PATH, [sample(502, "bad_gateway"), sample(405, "action_not_supported")])
    run = connect().trigger_customer_import(UUID)
    assert type(run).from_json(json.loads(json.dumps(run.to_json()))) == run


# One customer

CUSTOMERS = f"{US}/api/v1/customers"
CANARY = "canary+1@example.com"
STAMP = "2026-11-25T06:00:00+00:00"


def arrival(hook: BlueshiftHook, attribute: str = "import_stamp", stamp: str = STAMP) -> ImportStatus:
    return hook.get_status(hook.arrival_of(CANARY, attribute, stamp))


def test_customers_are_found_by_their_address(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.get(CUSTOMERS, **sample(200, "customers"))
    (found,) = connect().get_customers(CANARY)
    assert found["custom_attributes"] == {"import_stamp": STAMP}
    assert vendor.request_history[0].url == f"{CUSTOMERS}?email=canary%2B1%40example.com"


@pytest.mark.parametrize(
    ("answer", "state", "word"),
    [
        ({"json": {"users": [{"custom_attributes": {"import_stamp": STAMP}}]}}, "evidence", "arrived"),
        ({"json": {"user": {"custom_attributes": {"import_stamp": STAMP}}}}, "evidence", "arrived"),
        ({"json": {"users": [{"import_stamp": STAMP}], "user": None}}, "evidence", "arrived"),
        ({"json": {"users": [{"custom_attributes": {}}, {"import_stamp": STAMP}]}}, "evidence", "arrived"),
        ({"json": {"users": [{"import_stamp": "old"}]}}, "running", "import_stamp is 'old' so far"),
        (
            {"json": {"users": [{"import_stamp": STAMP, "custom_attributes": {"import_stamp": "old"}}]}},
            "running",
            "import_stamp is 'old' so far",
        ),
        ({"json": {"users": [{"email": CANARY}]}}, "running", "import_stamp is nothing so far"),
        ({"json": {"users": [], "user": {}}}, "running", "import_stamp is nothing so far"),
        ({"json": {"users": []}}, "running", "no such record yet"),
        ({"json": {"users": None}}, "running", "no such record yet"),
        (
            {"status_code": 404, "json": {"errors": [{"detail": "Error: Resource not found"}]}},
            "running",
            "no such record yet",
        ),
    ],
)
def test_an_arrival_is_evidence_only_once_the_customer_has_the_value(
    vendor: requests_mock.Mocker, connect: Connect, answer: dict[str, Any], state: str, word: str
) -> None:
    vendor.get(CUSTOMERS, **answer)
    status = arrival(connect())
    assert (str(status.state), status.vendor_status) == (state, word)


@pytest.mark.parametrize(("held", "stamp"), [(7, "7"), (True, "true"), (False, "false"), (1.5, "1.5"), (" a ", "a")])
def test_numbers_and_truth_values_are_compared_as_json_writes_them(
    vendor: requests_mock.Mocker, connect: Connect, held: object, stamp: str
) -> None:
    vendor.get(CUSTOMERS, json={"users": [{"import_stamp": held}]})
    status = arrival(connect(), stamp=stamp)
    assert status.state is ImportState.EVIDENCE
    assert status.message == f"the record has import_stamp={stamp}, which proves this row and no other"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status_code": 404, "json": {"status": "404", "error": "Not Found"}}, VendorRequestError),
        ({"status_code": 401, "json": {"message": "Not authorized"}}, VendorAuthError),
        ({"json": {}}, VendorUnavailableError),
        ({"json": []}, VendorUnavailableError),
        ({"text": "<html>Welcome</html>"}, VendorUnavailableError),
    ],
)
def test_an_answer_that_tells_nothing_of_a_customer_is_an_error(
    vendor: requests_mock.Mocker, connect: Connect, answer: dict[str, Any], kind: type[VendorImportError]
) -> None:
    vendor.get(CUSTOMERS, **answer)
    with pytest.raises(kind):
        arrival(connect())


@pytest.mark.parametrize("arguments", [("", "a", "v"), ("a@b.c", " ", "v"), ("a@b.c", "a", ""), (None, "a", "v")])
def test_an_arrival_of_nothing_is_refused(connect: Connect, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInputError, match="must be a text that is not empty"):
        connect().arrival_of(*arguments)


def test_a_wait_for_an_arrival_ends_with_evidence(vendor: requests_mock.Mocker, connect: Connect) -> None:
    answers = [{"json": {"users": []}}, {"json": {"users": [{"import_stamp": STAMP}]}}]
    vendor.get(CUSTOMERS, answers)
    hook = connect()
    run = type(hook.arrival_of(CANARY, "a", "b")).from_json(hook.arrival_of(CANARY, "import_stamp", STAMP).to_json())
    ending = hook.wait(run, PollPolicy(poll_interval=0.01))
    assert ending.outcome is Outcome.SUCCEEDED, "what was waited for has come"
    result = report("Blueshift", run, ending)
    assert (result["state"], result["run"]["arrival"]) == ("evidence", CANARY)

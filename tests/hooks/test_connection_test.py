"""The Test button: true for the right credentials, else a sentence to act on; and nothing is ever started."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest
import requests_mock

from airflow_provider_imports.installed import installed
from airflow_provider_imports.sandbox import rocketchat

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.base import ImportHook

ENTRIES = installed().entries
VENDORS = sorted(ENTRIES)
EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)
WRONG = "a-wrong-s3cret"

Test = Callable[..., tuple[bool, str]]


def hook_of(vendor: str, conn_id: str) -> ImportHook:
    hook: ImportHook = resolve_name(ENTRIES[vendor].hook)(conn_id)
    return hook


@pytest.fixture
def press_test(sandbox: Any, set_connection: Callable[..., str]) -> Test:
    """Press the button for a connection to the sandbox, with these fields (and ``extra``) changed."""

    def press(vendor: str, extra: dict[str, Any] | None = None, **fields: Any) -> tuple[bool, str]:
        connection = {**sandbox.connection(vendor), **fields}
        connection["extra"] = {**connection["extra"], **(extra or {})}
        hook = hook_of(vendor, set_connection("under_test", **connection))
        try:
            good, sentence = hook.test_connection()
        finally:
            hook.close()
        assert not (connection["password"] and connection["password"] in sentence)
        assert sentence.endswith((".", "?"))
        assert ".." not in sentence
        assert "None" not in sentence
        return good, sentence

    return press


@pytest.fixture(autouse=True)
def nothing_is_ever_started(sandbox: Any) -> Iterator[None]:
    yield
    assert [e.operation for e in sandbox.journal if e.method != "GET" and e.operation != "login"] == []


@EVERY_VENDOR
def test_right_credentials_are_told_so(press_test: Test, sandbox: Any, vendor: str) -> None:
    good, sentence = press_test(vendor)
    assert good, sentence
    assert ENTRIES[vendor].vendor_name.split()[0] in sentence
    assert {entry.vendor for entry in sandbox.journal} == {vendor}


@EVERY_VENDOR
def test_a_wrong_secret_is_told_as_refused_credentials(press_test: Test, vendor: str) -> None:
    good, sentence = press_test(vendor, password=WRONG)
    assert not good
    assert "credentials were refused" in sentence
    assert ENTRIES[vendor].credentials in sentence


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name not in ("blueshift", "pigment")])
def test_a_wrong_login_is_told_as_refused_credentials(press_test: Test, vendor: str) -> None:
    good, sentence = press_test(vendor, login="nobody")
    assert not good
    assert "credentials were refused" in sentence
    assert "login" in sentence


@EVERY_VENDOR
def test_a_missing_secret_is_asked_for(press_test: Test, sandbox: Any, vendor: str) -> None:
    good, sentence = press_test(vendor, password="")
    assert not good
    assert "password" in sentence
    assert "Nothing was sent" in sentence
    assert not sandbox.journal


@pytest.mark.parametrize("vendor", ["rocketchat", "websale"])
def test_a_missing_host_is_asked_for_where_there_is_no_default(press_test: Test, sandbox: Any, vendor: str) -> None:
    good, sentence = press_test(vendor, host="")
    assert not good
    assert "host is empty" in sentence
    assert not sandbox.journal


@EVERY_VENDOR
def test_plain_http_to_another_machine_is_refused(press_test: Test, vendor: str) -> None:
    with requests_mock.Mocker() as mocker:
        good, sentence = press_test(vendor, host="http://vendor.example")
    assert not good
    assert "plain http" in sentence
    assert "https" in sentence
    assert not mocker.called


@EVERY_VENDOR
def test_a_host_that_nobody_listens_at_is_told_so(press_test: Test, vendor: str) -> None:
    with socket.socket() as reserved:  # bound but not listening: whoever connects is refused
        reserved.bind(("127.0.0.1", 0))
        good, sentence = press_test(vendor, host=f"http://127.0.0.1:{reserved.getsockname()[1]}")
    assert not good
    assert "no connection to http://127.0.0.1" in sentence
    assert "Check the connection's host" in sentence


PAGE = "<!doctype html><html><body><h1>Welcome</h1></body></html>"


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "text": PAGE, "headers": {"Content-Type": "text/html"}},
        {"status_code": 404, "text": PAGE, "headers": {"Content-Type": "text/html"}},
        {"status_code": 404, "json": {"detail": "Not Found"}},
        {"status_code": 404},
        {"status_code": 405, "json": {"detail": "Method Not Allowed"}},
        {"status_code": 302, "headers": {"Location": "https://login.example/sign-in?next=/"}},
    ],
    ids=["200 page", "404 page", "404 of another API", "404 empty", "405 of another API", "redirect"],
)
@EVERY_VENDOR
def test_a_server_that_is_not_the_vendors_is_not_taken_for_it(
    press_test: Test, vendor: str, answer: dict[str, Any]
) -> None:
    with requests_mock.Mocker() as mocker:
        mocker.register_uri(requests_mock.ANY, requests_mock.ANY, **answer)
        good, sentence = press_test(vendor, host="https://wrong.example")
    assert not good
    assert "host" in sentence
    assert {request.hostname for request in mocker.request_history} == {"wrong.example"}


@EVERY_VENDOR
def test_an_outage_is_told_as_one_and_not_waited_for(press_test: Test, sandbox: Any, vendor: str) -> None:
    sandbox.add_fault("status", vendor=vendor, status=503, count=None)
    good, sentence = press_test(vendor)
    assert not good
    assert "HTTP 503" in sentence
    assert len(sandbox.journal) == 1


# What only one vendor has


def test_rocket_chat_tells_a_missing_permission(press_test: Test) -> None:
    good, sentence = press_test("rocketchat", login=rocketchat.LIMITED_USER_ID, password=rocketchat.LIMITED_AUTH_TOKEN)
    assert not good
    assert "permission" in sentence
    assert "run-import" in sentence


def test_blueshift_tells_a_missing_permission(press_test: Test, sandbox: Any) -> None:
    body = json.dumps({"message": "Permission denied"})
    sandbox.add_fault("status", vendor="blueshift", status=403, body=body, when="before")
    good, sentence = press_test("blueshift")
    assert not good
    assert "Permission denied" in sentence
    assert "lack a permission" in sentence


def test_blueshift_of_the_wrong_region_names_both_regions(
    set_connection: Callable[..., str], samples: Callable[[str], bytes]
) -> None:
    connection = {"conn_type": "blueshift", "password": WRONG, "extra": {"region": "eu"}}
    with requests_mock.Mocker() as mocker:
        url = "https://api.eu.getblueshift.com/api/v1/catalogs"
        mocker.get(url, status_code=401, content=samples("blueshift/not_authorized.json"))
        good, sentence = hook_of("blueshift", set_connection("under_test", **connection)).test_connection()
    assert not good
    assert "same region" in sentence
    assert "https://api.getblueshift.com is for us, https://api.eu.getblueshift.com for eu" in sentence


def test_a_region_that_does_not_exist_is_told_so(press_test: Test, sandbox: Any) -> None:
    good, sentence = press_test("blueshift", extra={"region": "apac"})
    assert (good, "region must be us or eu, not 'apac'" in sentence) == (False, True)
    assert not sandbox.journal


def test_bloomreach_says_that_the_right_to_start_cannot_be_tested(press_test: Test) -> None:
    good, sentence = press_test("bloomreach")
    assert good
    assert '"Imports > Allow trigger imports" cannot be tested without starting an import' in sentence


def test_a_bloomreach_key_that_may_not_list_is_good_as_far_as_one_can_tell(
    press_test: Test, sandbox: Any, samples: Callable[[str], bytes]
) -> None:
    body = samples("bloomreach/no_permission.json").decode()
    sandbox.add_fault("status", vendor="bloomreach", operation="list_imports", status=403, body=body)
    good, sentence = press_test("bloomreach")
    assert good
    assert "the API key" in sentence
    assert "but does not let it list imports" in sentence
    assert "of another project" in sentence


def test_a_403_that_is_a_web_page_proves_nothing_about_bloomreach(press_test: Test, sandbox: Any) -> None:
    sandbox.add_fault("html", vendor="bloomreach", status=403)
    good, _sentence = press_test("bloomreach")
    assert not good


def test_a_bloomreach_project_that_is_missing_is_asked_for(press_test: Test, sandbox: Any) -> None:
    good, sentence = press_test("bloomreach", {"project_token": None})
    assert not good
    assert "project token" in sentence
    assert not sandbox.journal


@EVERY_VENDOR
def test_airflows_own_way_to_the_button_ends_in_our_hook(
    sandbox: Any, set_connection: Callable[..., str], vendor: str
) -> None:
    from airflow.models.connection import Connection

    fields = sandbox.connection(vendor)
    conn_id = set_connection("under_test", **fields)
    connection = Connection(conn_id, **{**fields, "extra": json.dumps(fields["extra"])})
    good, sentence = connection.test_connection()
    assert good, sentence

"""WEBSALE's hook against recorded answers: what is sent, what is read, and what each refusal tells the user."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests_mock
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportNotFoundError,
    ImportSupersededError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.websale import WebsaleHook, calls
from airflow_provider_imports.hooks.websale import status as websale_status
from airflow_provider_imports.hooks.websale.calls import FORMATS
from airflow_provider_imports.hooks.websale.status import WebsaleImport, read_import, websale_run
from airflow_provider_imports.http.call import UnreadableAnswerError
from airflow_provider_imports.intent import Intent
from airflow_provider_imports.models import Counts, ImportRun, ImportState
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parents[1] / "samples" / "websale"
SHOP = "https://www.example-shop.de"
API = f"{SHOP}/admin/api/v1"
PASSWORD = "s3cret-password"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.websale-access"
START = "2025-02-19T13:05:11.000Z"
AT = datetime(2025, 2, 19, 13, 5, 10, tzinfo=UTC)
OURS = websale_run("product", START)
SLOT = {"service": "product"}


def sample(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return value


@pytest.fixture
def shop(set_connection: Callable[..., str]) -> Iterator[requests_mock.Mocker]:
    """The shop's server: logs everybody in; what else it answers is the test's."""
    set_connection("websale_default", conn_type="websale", host=SHOP, login="admin@example.com", password=PASSWORD)
    with requests_mock.Mocker() as mocker:
        mocker.post(f"{API}/login", json=sample("logged_in"))
        yield mocker


@pytest.fixture
def hook() -> WebsaleHook:
    return WebsaleHook()


def answers(*names: str) -> list[dict[str, Any]]:
    return [{"json": sample(name)} for name in names]


#: The answer to a start, with the time at which it was recorded.
STARTING: dict[str, Any] = {"json": sample("import_starting"), "headers": {"Date": "Wed, 19 Feb 2025 13:05:12 GMT"}}


def shows(shop: requests_mock.Mocker, *names: str, service: str = "product") -> None:
    shop.get(f"{API}/import/{service}/status", answers(*names))


def sent(shop: requests_mock.Mocker) -> list[str]:
    """What the shop received after the log-in."""
    return [f"{one.method} {one.path.removeprefix('/admin/api/v1')}" for one in shop.request_history[1:]]


# Log-in


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"login": "admin@example.com"}, {"email": "admin@example.com", "password": PASSWORD}),
        ({}, {"apiKey": PASSWORD}),
    ],
    ids=["e-mail and password", "API key"],
)
def test_one_log_in_serves_all_calls(
    shop: requests_mock.Mocker, set_connection: Callable[..., str], fields: dict[str, str], body: dict[str, str]
) -> None:
    set_connection("websale_default", conn_type="websale", host=SHOP, password=PASSWORD, **fields)
    shows(shop, "import_running")
    hook = WebsaleHook()
    hook.get_import_status("product")
    hook.get_import_status("product")
    log_in, *reads = shop.request_history
    assert (log_in.path, log_in.json()) == ("/admin/api/v1/login", body)
    assert "Authorization" not in log_in.headers
    assert [one.headers["Authorization"] for one in reads] == [f"Bearer {TOKEN}"] * 2


def test_the_connection_names_another_field_of_the_log_in(
    shop: requests_mock.Mocker, set_connection: Callable[..., str], hook: WebsaleHook
) -> None:
    account = {"login": "admin", "password": PASSWORD, "extra": {"login_field": "userName"}}
    set_connection("websale_default", conn_type="websale", host=SHOP, **account)
    shows(shop, "import_running")
    hook.get_import_status("product")
    assert shop.request_history[0].json() == {"userName": "admin", "password": PASSWORD}


def test_the_connection_names_another_header_for_the_token(
    shop: requests_mock.Mocker, set_connection: Callable[..., str], hook: WebsaleHook
) -> None:
    extra = {"auth_header": "X-Authorization"}
    set_connection("websale_default", conn_type="websale", host=SHOP, password=PASSWORD, extra=extra)
    shows(shop, "import_running")
    hook.get_import_status("product")
    assert shop.last_request.headers["X-Authorization"] == f"Bearer {TOKEN}"
    assert "Authorization" not in shop.last_request.headers


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"password": ""}, "has no Password or API key; enter it as password"),
        ({"extra": {"auth_header": "X Auth\n"}}, "auth_header must be the name of a header"),
        (
            {"login": "admin", "extra": {"login_field": "user name"}},
            "login_field must be a word like 'email' or 'userName'",
        ),
        (
            {"login": "admin", "extra": {"login_field": "password"}},
            "login_field must be a word like 'email' or 'userName'",
        ),
        ({"host": ""}, "host is empty"),
    ],
)
def test_a_connection_that_cannot_work_is_refused_before_anything_is_sent(
    shop: requests_mock.Mocker,
    set_connection: Callable[..., str],
    hook: WebsaleHook,
    fields: dict[str, Any],
    told: str,
) -> None:
    set_connection("websale_default", **{"conn_type": "websale", "host": SHOP, "password": PASSWORD, **fields})
    with pytest.raises(ConnectionSettingsError, match=told):
        hook.get_import_status("product")
    assert not shop.called


def test_an_expired_token_is_renewed_once(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    tokens = [{"json": {"accessToken": "first-token"}}, {"json": {"accessToken": "second-token"}}]
    shop.post(f"{API}/login", tokens)
    status = [{"status_code": 401, "json": sample("no_permission")}, *answers("import_running")]
    shop.get(f"{API}/import/product/status", status)
    assert hook.get_import_status("product").status.state is ImportState.RUNNING
    used = [one.headers.get("Authorization") for one in shop.request_history]
    assert used == [None, "Bearer first-token", None, "Bearer second-token"]


def test_a_401_that_stays_costs_one_renewed_log_in_and_names_the_permission(
    shop: requests_mock.Mocker, hook: WebsaleHook
) -> None:
    tokens = [{"json": {"accessToken": "first-token"}}, {"json": {"accessToken": "second-token"}}]
    shop.post(f"{API}/login", tokens)
    shop.get(f"{API}/import/product/status", status_code=401, json=sample("no_permission"))
    with pytest.raises(VendorAuthError, match="401 for a missing permission, too") as caught:
        hook.get_import_status("product")
    assert isinstance(caught.value, AirflowFailException)
    assert [one.path.rpartition("/")[2] for one in shop.request_history] == ["login", "status"] * 2


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [(401, "log_in_refused", "may lock the account"), (423, "account_locked", "locked after repeated bad log-ins")],
)
def test_a_refused_log_in_is_never_repeated(
    shop: requests_mock.Mocker,
    hook: WebsaleHook,
    everything_told: Callable[..., str],
    status: int,
    body: str,
    told: str,
) -> None:
    shop.post(f"{API}/login", status_code=status, json=sample(body))
    errors = []
    for _ in range(3):
        with pytest.raises(VendorAuthError, match=told) as caught:
            hook.get_import_status("product")
        errors.append(caught.value)
    assert shop.call_count == 1
    assert PASSWORD not in everything_told(*errors)


@pytest.mark.parametrize(
    "body", ['{"refreshToken": "secret-refresh"}', "<html>shop</html>", '{"accessToken": "a\\nb"}']
)
def test_a_log_in_without_a_token_is_an_outage_and_quotes_nothing(
    shop: requests_mock.Mocker, hook: WebsaleHook, everything_told: Callable[..., str], body: str
) -> None:
    shop.post(f"{API}/login", text=body)
    with pytest.raises(VendorUnavailableError, match="has no accessToken") as caught:
        hook.get_import_status("product")
    assert "secret-refresh" not in everything_told(caught.value)


def test_the_connection_test_logs_in_and_reads(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "no_import_yet")
    assert hook.test_connection() == (True, "WEBSALE accepted the log-in.")
    assert sent(shop) == ["GET /import/product/status"]


def test_the_connection_test_accepts_an_admin_who_may_not_import_products(
    shop: requests_mock.Mocker, hook: WebsaleHook
) -> None:
    shop.get(f"{API}/import/product/status", status_code=401, json=sample("no_permission"))
    works, told = hook.test_connection()
    assert works
    assert "no permission to import products" in told


def test_the_connection_test_fails_with_bad_credentials(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shop.post(f"{API}/login", status_code=401, json=sample("log_in_refused"))
    works, told = hook.test_connection()
    assert not works
    assert "wrong login" in told


# Services and formats


def test_the_table_of_services_is_the_vendors() -> None:
    assert len(FORMATS) == 15
    assert FORMATS["order"] == ("json", "xml")
    assert FORMATS["inquiry"] == ("json", "csv", "xml")
    assert {formats for service, formats in FORMATS.items() if service not in ("order", "inquiry")} == {("json", "csv")}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((" ", b"[]", "json"), "service must be a text that is not empty"),
        (("{{ typo }}", b"[]", "json"), "service must be a word like 'product', not '{{ typo }}'"),
        (("product", b"[]", "json;csv"), "format must be a word like 'json', not 'json;csv'"),
        ((7.5, b"[]", "json"), "service must be a text that is not empty"),
        (("product", b"[]", " "), "format must be a text that is not empty"),
        (("bundle", b"[]"), "Give format='json' or 'csv' or 'xml' for service 'bundle'"),
        (("bundle", b"[]", "json", True), "send_mail is only for service 'adminUser', not for 'bundle'"),
        (("order", b"a;b", "csv"), "'order' takes format 'json' or 'xml', not 'csv'"),
        (("product", b"<a/>", "xml"), "'product' takes format 'json' or 'csv', not 'xml'"),
        (("product", b"[]"), "Give format='json' or 'csv'"),
        (("product", b"[]", "json", True), "send_mail is only for service 'adminUser'"),
        (("adminUser", b"[]", "json", "true"), "send_mail must be True or False"),
    ],
)
def test_what_websale_would_refuse_is_never_sent(
    shop: requests_mock.Mocker, hook: WebsaleHook, arguments: tuple[Any, ...], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        hook.start_import(*arguments)
    assert not shop.called


@pytest.mark.parametrize(
    ("service", "chosen", "content_type"),
    [("product", "json", "application/json"), ("product", "csv", "text/csv"), ("order", "xml", "application/xml")],
)
def test_a_start_sends_the_data_its_format_and_its_type(
    shop: requests_mock.Mocker, hook: WebsaleHook, service: str, chosen: str, content_type: str
) -> None:
    shop.post(f"{API}/import/{service}/start", **STARTING)
    run = hook.start_import(service, b"content", chosen)
    assert run.key == {"service": service, "start": START}
    assert shop.last_request.qs == {"format": [chosen]}
    assert shop.last_request.headers["Content-Type"] == content_type
    assert shop.last_request.body == b"content"


@pytest.mark.parametrize(
    ("date", "before"),
    [("Wed, 19 Feb 2025 13:05:12 GMT", START), ("Wed, 19 Feb 2025 13:09:12 GMT", None)],
    ids=["shown before", "began too early"],
)
def test_an_import_that_was_there_before_is_not_taken_for_the_one_started(
    shop: requests_mock.Mocker, hook: WebsaleHook, date: str, before: str | None
) -> None:
    shop.post(f"{API}/import/product/start", **STARTING | {"headers": {"Date": date}})
    with pytest.raises(UnknownOutcomeError, match="shows an import that began before ours was sent"):
        hook.start_import("product", b"content", "json", before=before)


def test_a_file_is_streamed_and_its_suffix_is_its_format(
    shop: requests_mock.Mocker, hook: WebsaleHook, tmp_path: Path
) -> None:
    file = tmp_path / "products.CSV"
    file.write_bytes(b"id;name\n1;a\n")
    shop.post(f"{API}/import/product/start", **STARTING)
    hook.start_import("product", str(file))
    assert shop.last_request.qs == {"format": ["csv"]}
    assert shop.last_request.headers["Content-Length"] == "12"
    assert not isinstance(shop.last_request.body, bytes)


def test_websale_is_always_told_whether_to_send_a_mail_and_only_for_admin_users(
    shop: requests_mock.Mocker, hook: WebsaleHook
) -> None:
    for service in ("adminUser", "customerAccount"):
        shop.post(f"{API}/import/{service}/start", **STARTING)
    hook.start_import("adminUser", b"[]", "json")
    assert shop.last_request.url.endswith("?format=json&sendMail=false")
    hook.start_import("adminUser", b"[]", "json", send_mail=True)
    assert shop.last_request.url.endswith("?format=json&sendMail=true")
    hook.start_import("customerAccount", b"[]", "json")
    assert shop.last_request.url.endswith("?format=json")


def test_a_service_that_is_not_documented_is_sent_with_one_warning(
    shop: requests_mock.Mocker, hook: WebsaleHook, caplog: pytest.LogCaptureFixture
) -> None:
    calls._warn.cache_clear()
    shop.post(f"{API}/import/bundle/start", **STARTING)
    for _ in range(2):
        assert hook.start_import("bundle", b"<a/>", "xml").key["service"] == "bundle"
    assert shop.last_request.qs == {"format": ["xml"]}
    (line,) = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert line.startswith("WEBSALE documents no service 'bundle' that imports.")
    assert "adminUser, category, customerAccount" in line


def test_a_format_that_is_not_documented_is_sent_with_a_warning(
    shop: requests_mock.Mocker, hook: WebsaleHook, caplog: pytest.LogCaptureFixture
) -> None:
    calls._warn.cache_clear()
    shop.post(f"{API}/import/product/start", **STARTING)
    hook.start_import("product", b"- a", "yaml")
    assert shop.last_request.qs == {"format": ["yaml"]}
    assert shop.last_request.headers["Content-Type"] == "application/octet-stream"
    assert "Service 'product' is documented to take 'json' or 'csv'" in caplog.text


def test_websale_decides_about_a_service_that_is_not_documented(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shop.get(f"{API}/import/bundle/status", status_code=400, json=sample("unknown_service"))
    with pytest.raises(VendorRequestError, match=r"service is unknown.*WEBSALE says so for a service that it does not"):
        hook.get_import_status("bundle")


@pytest.mark.parametrize(
    ("method", "call", "answer", "told"),
    [
        ("start_import", "POST start", "could_not_be_triggered", "could not trigger the import process"),
        ("start_import", "POST start", "did_not_start_in_time", "its file service can't be reached"),
        ("get_import_status", "GET status", "no_status", "WEBSALE's Redis gave no status."),
        ("pause_import", "POST pause", "no_status", "or can't be reached, or the process could not be stopped"),
        ("resume_import", "POST resume", "no_status", "or can't be reached, or the process could not be stopped"),
        ("cancel_import", "DELETE cancel", "no_status", "or can't be reached, or the process could not be stopped"),
    ],
)
def test_each_documented_reason_of_a_503_is_named(
    shop: requests_mock.Mocker,
    hook: WebsaleHook,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    call: str,
    answer: str,
    told: str,
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.sync_client.time.sleep", lambda seconds: None)
    verb, end = call.split()
    shows(shop, "import_running" if method == "pause_import" else "import_paused")
    shop.register_uri(verb, f"{API}/import/product/{end}", status_code=503, json=sample(answer))
    content = (b"[]", "json") if method == "start_import" else ()
    with pytest.raises(VendorImportError, match=told):
        getattr(hook, method)("product", *content)


# Answers to a start


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status_code": 503, "json": sample("could_not_be_triggered")}, VendorUnavailableError),
        ({"status_code": 503, "json": sample("did_not_start_in_time")}, UnknownOutcomeError),
        ({"status_code": 503}, UnknownOutcomeError),
        ({"status_code": 502, "text": "<html>Bad gateway</html>"}, UnknownOutcomeError),
        ({"status_code": 400, "json": sample("unknown_service")}, VendorRequestError),
        ({"status_code": 200, "text": "<html>Welcome</html>"}, UnknownOutcomeError),
        ({"status_code": 200, "json": sample("no_import_yet")}, UnknownOutcomeError),
        ({"status_code": 200, "json": {"start": START}}, UnknownOutcomeError),
    ],
)
def test_a_start_is_sent_once_and_its_answer_judged(
    shop: requests_mock.Mocker, hook: WebsaleHook, answer: dict[str, Any], error: type[VendorImportError]
) -> None:
    shop.post(f"{API}/import/product/start", **answer)
    with pytest.raises(error) as caught:
        hook.start_import("product", b"[]", "json")
    assert type(caught.value) is error
    assert sent(shop) == ["POST /import/product/start"]


# Reading


@pytest.mark.parametrize(
    ("name", "state", "word"),
    [
        ("no_import_yet", ImportState.RUNNING, "READY"),
        ("import_starting", ImportState.RUNNING, "STARTING"),
        ("import_running", ImportState.RUNNING, "RUNNING"),
        ("import_paused", ImportState.PAUSED, "PAUSED"),
        ("import_canceled", ImportState.CANCELED, "CANCELED"),
        ("import_finished", ImportState.SUCCEEDED, "FINISHED"),
        ("import_finished_in_strings", ImportState.SUCCEEDED, "FINISHED"),
        ("import_finished_with_failed_records", ImportState.SUCCEEDED, "FINISHED"),
        ("import_finished_with_global_error", ImportState.FAILED, "FINISHED"),
        ("import_failed", ImportState.FAILED, "ERROR"),
        ("import_in_undocumented_status", ImportState.RUNNING, "7"),
    ],
)
def test_each_code_has_its_state(name: str, state: ImportState, word: str) -> None:
    status = read_import("product", sample(name)).status
    assert (status.state, status.vendor_status) == (state, word)


def test_a_running_import_has_progress_and_no_end() -> None:
    seen = read_import("product", sample("import_running"))
    assert seen.run == OURS
    assert seen.status.progress == 60
    assert seen.status.counts == Counts(processed=3, failed=0)
    assert seen.status.counts.total is None
    assert (seen.status.finished_at, seen.status.message, seen.status.errors) == (None, None, ())


def test_numbers_in_strings_are_numbers() -> None:
    assert read_import("product", sample("import_finished_in_strings")) == read_import(
        "product", sample("import_finished")
    )


def test_what_went_wrong_reaches_message_and_errors() -> None:
    status = read_import("product", sample("import_finished_with_failed_records")).status
    assert status.counts.rejected == 2
    assert status.message == "unknown group; line 2: email is missing; line: 4, message: unknown group"
    assert status.errors == ("line 2: email is missing", "line: 4, message: unknown group", "unknown group")
    assert read_import("product", sample("import_failed")).status.message == (
        "globalError 1; file cannot be read; column email is missing"
    )


def test_an_undocumented_code_is_told() -> None:
    assert "'7' is not documented" in (
        read_import("product", sample("import_in_undocumented_status")).status.message or ""
    )


def test_import_errors_are_bounded() -> None:
    report = {**sample("import_failed"), "importErrors": [f"line {n}: {'x' * 1000}" for n in range(5000)]}
    status = read_import("product", report).status
    assert len(status.errors) <= websale_status.MOST_ERRORS + 3
    assert any("4,980 more import errors" in line for line in status.errors)
    assert max(map(len, status.errors)) == websale_status.LONGEST_ERROR
    assert len(status.message or "") < 1000


@pytest.mark.parametrize("value", ["oops", {"line 3": "bad"}, None, 7, [None, {}, []]])
def test_import_errors_of_any_shape_are_read(value: object) -> None:
    read_import("product", {**sample("import_failed"), "importErrors": value})


@pytest.mark.parametrize("status", [None, "FINISHED?", True, [], -1, 2.5])
def test_an_answer_without_a_numeric_status_is_unreadable(status: object) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_import("product", {**sample("import_running"), "status": status})


# Whose run it is


def test_our_run_is_recognised_by_its_start(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "import_running")
    assert hook.get_status(OURS).progress == 60


@pytest.mark.parametrize("service", ["", "  ", None])
def test_an_import_of_no_service_is_refused_by_name(service: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^service "):
        websale_run(service)


def test_another_start_means_superseded(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "import_of_somebody_else")
    with pytest.raises(ImportSupersededError, match=r"start=2025-02-19T14:00:00.000Z.*not ours and was left alone"):
        hook.get_status(OURS)


def test_an_end_that_was_seen_is_not_lost_to_the_next_start(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "import_finished", "import_of_somebody_else")
    hook.get_import_status("product")  # somebody else on this hook waits for the slot
    assert hook.get_status(OURS).state is ImportState.SUCCEEDED


def test_a_service_without_any_import_has_lost_ours(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "no_import_yet")
    with pytest.raises(ImportNotFoundError, match="no import of 'product' any more"):
        hook.get_status(OURS)


def test_without_a_start_whichever_import_is_current_counts(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "no_import_yet", "import_running", "import_of_somebody_else")
    states = [hook.get_status(websale_run("product")).vendor_status for _ in range(3)]
    assert states == ["READY", "RUNNING", "RUNNING"]


# Canceling what is ours, and nothing else


def test_our_running_import_is_canceled(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "import_running")
    shop.delete(f"{API}/import/product/cancel", json=sample("import_canceled"))
    assert hook.cancel(OURS).startswith("WEBSALE canceled it")
    assert sent(shop) == ["GET /import/product/status", "DELETE /import/product/cancel"]


@pytest.mark.parametrize("name", ["import_of_somebody_else", "import_finished", "import_canceled", "no_import_yet"])
def test_nothing_else_is_canceled(shop: requests_mock.Mocker, hook: WebsaleHook, name: str) -> None:
    shows(shop, name)
    assert hook.cancel(OURS).startswith("Nothing was canceled")
    assert sent(shop) == ["GET /import/product/status"]


def test_an_import_that_ends_while_it_is_canceled_is_not_an_error(
    shop: requests_mock.Mocker, hook: WebsaleHook
) -> None:
    shows(shop, "import_running", "import_finished")
    shop.delete(f"{API}/import/product/cancel", status_code=404, json=sample("not_running"))
    assert "FINISHED" in hook.cancel(OURS)


# Pause, resume, cancel by service


ACTS = [
    ("pause", "import_paused", "import_running"),
    ("resume", "import_running", "import_paused"),
    ("cancel", "import_canceled", "import_running"),
]


def act(hook: WebsaleHook, name: str) -> WebsaleImport:
    seen: WebsaleImport = getattr(hook, f"{name}_import")("product")
    return seen


@pytest.mark.parametrize(("name", "after", "before"), ACTS)
def test_an_act_is_one_call(shop: requests_mock.Mocker, hook: WebsaleHook, name: str, after: str, before: str) -> None:
    method = "DELETE" if name == "cancel" else "POST"
    shop.register_uri(method, f"{API}/import/product/{name}", json=sample(after))
    assert act(hook, name) == read_import("product", sample(after))
    assert sent(shop) == [f"{method} /import/product/{name}"]


@pytest.mark.parametrize(("name", "after", "before"), ACTS)
def test_a_404_for_what_is_so_already_is_no_error(
    shop: requests_mock.Mocker, hook: WebsaleHook, name: str, after: str, before: str
) -> None:
    shop.register_uri(requests_mock.ANY, f"{API}/import/product/{name}", status_code=404, json=sample("not_running"))
    shows(shop, after)
    assert act(hook, name) == read_import("product", sample(after))


@pytest.mark.parametrize(("name", "after", "before"), ACTS)
def test_a_404_names_the_state_that_is_in_the_way(
    shop: requests_mock.Mocker, hook: WebsaleHook, name: str, after: str, before: str
) -> None:
    shop.register_uri(requests_mock.ANY, f"{API}/import/product/{name}", status_code=404, json=sample("not_running"))
    shows(shop, "import_finished")
    with pytest.raises(VendorRequestError, match=r"HTTP 404.*WEBSALE \w+ only an import that is .*\(FINISHED\)"):
        act(hook, name)


@pytest.mark.parametrize(("name", "after", "before"), ACTS)
@pytest.mark.parametrize("answer", [{"status_code": 503, "json": sample("did_not_start_in_time")}, {"text": "<html>"}])
def test_an_unclear_act_is_not_repeated_but_looked_after(
    shop: requests_mock.Mocker, hook: WebsaleHook, answer: dict[str, Any], name: str, after: str, before: str
) -> None:
    shop.register_uri(requests_mock.ANY, f"{API}/import/product/{name}", **answer)
    shows(shop, after, before)
    assert act(hook, name) == read_import("product", sample(after))
    with pytest.raises(VendorUnavailableError, match="A retry is safe"):
        act(hook, name)
    assert [one.rpartition("/")[2] for one in sent(shop)] == [name, "status"] * 2


# The slot


@pytest.mark.parametrize(
    ("name", "busy"),
    [
        ("no_import_yet", False),
        ("import_starting", True),
        ("import_running", True),
        ("import_paused", True),
        ("import_canceled", False),
        ("import_finished", False),
        ("import_failed", False),
        ("import_in_undocumented_status", True),
    ],
)
def test_who_occupies_a_service(shop: requests_mock.Mocker, hook: WebsaleHook, name: str, busy: bool) -> None:
    shows(shop, name)
    slot = hook.run_flow(hook.slot_flow(SLOT))
    assert slot.busy is busy
    assert slot.run == (None if name == "no_import_yet" else OURS)
    assert "import of 'product'" in slot.described


@pytest.mark.parametrize(
    ("date", "settles"),
    [
        ("Wed, 19 Feb 2025 13:05:15 GMT", True),
        ("Wed, 19 Feb 2025 13:05:19 GMT", True),
        ("Wed, 19 Feb 2025 13:05:25 GMT", False),
        ("Wed, 19 Feb 2025 12:00:00 GMT", False),  # a clock that can't be compared
    ],
)
def test_a_fresh_end_settles_before_the_next_start_hides_it(
    shop: requests_mock.Mocker, hook: WebsaleHook, date: str, settles: bool
) -> None:
    shop.get(f"{API}/import/product/status", json=sample("import_finished"), headers={"Date": date})
    slot = hook.run_flow(hook.slot_flow(SLOT))
    assert not slot.busy
    assert bool(slot.settles_in) is settles
    assert slot.settles_in <= WEBSALE.poll_interval * 1.1


# After an unclear start


def adopted(hook: WebsaleHook, intent: Intent) -> tuple[ImportRun | None, bool]:
    found = hook.run_flow(hook.adopt_flow(intent))
    return found.run, found.would_show


@pytest.mark.parametrize("before", [None, {"service": "product", "start": "2025-02-18T08:00:00.000Z"}])
def test_a_newer_start_is_ours(shop: requests_mock.Mocker, hook: WebsaleHook, before: dict[str, str] | None) -> None:
    shows(shop, "import_running")
    assert adopted(hook, Intent(AT, SLOT, before)) == (OURS._replace(started_at=AT), True)


@pytest.mark.parametrize(("name", "before"), [("import_finished", OURS.key), ("no_import_yet", None)])
def test_the_same_start_as_before_means_not_started(
    shop: requests_mock.Mocker, hook: WebsaleHook, name: str, before: dict[str, str] | None
) -> None:
    shows(shop, name)
    assert adopted(hook, Intent(AT, SLOT, before)) == (None, True)


@pytest.mark.parametrize(
    "intent",
    [
        Intent(AT + timedelta(minutes=5), SLOT),
        Intent(AT - timedelta(hours=2), SLOT),
        Intent(AT - timedelta(minutes=4), SLOT, unclear_at=AT - timedelta(minutes=3)),
    ],
    ids=["older than the intent", "long after the try ended", "after its unclear answer"],
)
def test_an_import_of_another_time_may_be_somebody_elses(
    shop: requests_mock.Mocker, hook: WebsaleHook, intent: Intent
) -> None:
    shows(shop, "import_running")
    assert adopted(hook, intent) == (None, False)


def test_a_start_at_the_end_of_a_long_upload_is_ours(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    shows(shop, "import_running")
    run, _ = adopted(hook, Intent(AT - timedelta(hours=2), SLOT, unclear_at=AT))
    assert run is not None


def test_a_resume_is_simply_sent_again(shop: requests_mock.Mocker, hook: WebsaleHook) -> None:
    assert adopted(hook, Intent(AT)) == (None, True)
    assert not shop.called


def test_calls_show_no_credentials(hook: WebsaleHook, set_connection: Callable[..., str]) -> None:
    set_connection("websale_default", conn_type="websale", host=SHOP, login="admin@example.com", password=PASSWORD)
    assert PASSWORD not in repr(hook.login_call(hook.client.settings))

"""Bloomreach's hook against recorded answers: what is sent, what is read, and what each refusal tells the user."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
import requests
import requests_mock

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.bloomreach import BloomreachHook
from airflow_provider_imports.models import ImportRun

HOST = "https://api.exponea.com"
SECRET = "bloomreach-s3cret"
IMPORT_ID = "5f8a3b2e1c9d4e6f7a8b9c0d"
START = f"{HOST}/data/v1/projects/a-project/imports/{IMPORT_ID}/start"
RUN = f"{HOST}/imports/v1/a-project/{IMPORT_ID}/run"

Connect = Callable[..., BloomreachHook]
Sample = Callable[..., dict[str, Any]]
Starter = Callable[..., ImportRun]


def start(hook: BloomreachHook, **options: Any) -> ImportRun:
    return hook.start_import(IMPORT_ID, **options)


def run(hook: BloomreachHook, **options: Any) -> ImportRun:
    return hook.run_import(IMPORT_ID, **options)


BOTH = pytest.mark.parametrize(("do", "url"), [(start, START), (run, RUN)], ids=["start_import", "run_import"])


@pytest.fixture
def connect(set_connection: Callable[..., str]) -> Connect:
    def define(**extra: Any) -> BloomreachHook:
        fields = {"login": "a-key-id", "password": SECRET, "extra": extra or {"project_token": "a-project"}}
        return BloomreachHook(set_connection("bloomreach_default", conn_type="bloomreach", **fields))

    return define


@pytest.fixture
def sample(samples: Callable[[str], bytes]) -> Sample:
    return lambda status, name: {"status_code": status, "content": samples(f"bloomreach/{name}.json")}


def refused(do: Starter, hook: BloomreachHook, kind: type[VendorImportError], **options: Any) -> VendorImportError:
    """The error of a start, with a text that can be shown."""
    with pytest.raises(kind) as caught:
        do(hook, **options)
    error = caught.value
    assert type(error) is kind
    assert SECRET not in f"{error} {vars(error)}"
    assert str(error).startswith("Bloomreach Engagement ")
    assert str(error).endswith(".")
    assert ".." not in str(error)
    assert "None" not in str(error)
    return error


# What is sent


@BOTH
def test_without_options_there_is_neither_a_body_nor_a_content_type(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, do: Starter, url: str
) -> None:
    vendor.post(url, **sample(200, "accepted"))
    assert do(connect()).key == {"import_id": IMPORT_ID}
    (request,) = vendor.request_history
    assert not request.body
    assert "Content-Type" not in request.headers
    assert request.headers.get("Content-Length", "0") == "0"
    kind, _, credentials = request.headers["Authorization"].partition(" ")
    assert (kind, b64decode(credentials).decode()) == ("Basic", f"a-key-id:{SECRET}")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"path": "s/file.csv"}, {"PATH": "s/file.csv"}),
        ({"test_connection": False}, {"test_connection": False}),
        ({"test_connection": True}, {"test_connection": True}),
        ({"path": "https://x/y.csv", "test_connection": False}, {"PATH": "https://x/y.csv", "test_connection": False}),
    ],
    ids=["path", "no test", "test", "both"],
)
@BOTH
def test_options_are_sent_only_if_given_and_by_the_calls_own_names(
    vendor: requests_mock.Mocker,
    connect: Connect,
    sample: Sample,
    do: Starter,
    url: str,
    options: dict[str, Any],
    body: dict[str, Any],
) -> None:
    vendor.post(url, **sample(200, "accepted"))
    do(connect(), **options)
    (request,) = vendor.request_history
    path_key = "path" if do is start else "path_to_overwrite"
    assert request.json() == {path_key if key == "PATH" else key: value for key, value in body.items()}
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("extra", "options", "path"),
    [
        ({"project_token": "p"}, {}, "/data/v1/projects/p"),
        ({"project_token": "p", "api_version": "v1"}, {}, "/data/v1/projects/p"),
        ({"project_token": "p", "api_version": "v2"}, {}, "/data/v2/projects/p"),
        ({"project_token": "p"}, {"project_token": "q"}, "/data/v1/projects/q"),
        ({"workspace_id": "w"}, {}, "/data/v2/workspaces/w"),
        ({"workspace_id": "w", "api_version": "v1"}, {}, "/data/v2/workspaces/w"),
        ({"project_token": "p"}, {"workspace_id": "w"}, "/data/v2/workspaces/w"),
        ({"workspace_id": "w"}, {"project_token": "p"}, "/data/v1/projects/p"),
        ({"workspace_id": "w"}, {"workspace_id": "other/one"}, "/data/v2/workspaces/other%2Fone"),
    ],
)
def test_the_place_comes_from_the_parameters_and_else_from_the_connection(
    vendor: requests_mock.Mocker,
    connect: Connect,
    sample: Sample,
    extra: dict[str, str],
    options: dict[str, str],
    path: str,
) -> None:
    vendor.post(requests_mock.ANY, **sample(200, "accepted"))
    start(connect(**extra), **options)
    assert [request.url for request in vendor.request_history] == [f"{HOST}{path}/imports/{IMPORT_ID}/start"]


def test_a_run_of_the_management_api_takes_the_connections_project(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(requests_mock.ANY, **sample(200, "accepted"))
    run(connect(workspace_id="w", project_token="p"))
    assert vendor.request_history[0].url == f"{HOST}/imports/v1/p/{IMPORT_ID}/run"


def test_an_import_id_cannot_leave_its_place_in_the_path(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(requests_mock.ANY, **sample(200, "accepted"))
    connect().start_import("../../x?y=1#z")
    assert vendor.request_history[0].url == f"{HOST}/data/v1/projects/a-project/imports/..%2F..%2Fx%3Fy%3D1%23z/start"


# What is refused before anything is sent


@BOTH
def test_a_missing_project_names_both_places_to_give_it(
    vendor: requests_mock.Mocker, connect: Connect, do: Starter, url: str
) -> None:
    with pytest.raises(
        ConnectionSettingsError, match=r"parameter project_token, or .* connection 'bloomreach_default'"
    ):
        do(connect(api_version="v2"))
    assert not vendor.called


@pytest.mark.parametrize(
    ("extra", "options", "kind", "told"),
    [
        ({}, {"project_token": "p", "workspace_id": "w"}, InvalidInputError, "not both"),
        (
            {"project_token": "p", "workspace_id": "w"},
            {},
            ConnectionSettingsError,
            "both project_token and workspace_id",
        ),
        ({}, {"test_connection": "False"}, InvalidInputError, "test_connection must be True, False or None"),
        ({}, {"path": " "}, InvalidInputError, "path must be a text"),
        ({"project_token": "p", "api_version": "3"}, {}, ConnectionSettingsError, "api_version must be v1 or v2"),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    vendor: requests_mock.Mocker,
    connect: Connect,
    extra: dict[str, str],
    options: dict[str, Any],
    kind: type[Exception],
    told: str,
) -> None:
    with pytest.raises(kind, match=told):
        start(connect(**extra), **options)
    assert not vendor.called


@pytest.mark.parametrize("import_id", ["", "  ", None, 7])
@pytest.mark.parametrize("method", ["start_import", "run_import"])
def test_an_import_without_an_id_is_not_sent(
    vendor: requests_mock.Mocker, connect: Connect, method: str, import_id: Any
) -> None:
    with pytest.raises(InvalidInputError, match="import_id must be a text"):
        getattr(connect(), method)(import_id)
    assert not vendor.called


@pytest.mark.parametrize(
    ("missing", "told"), [("login", "no API key ID; enter it as login"), ("password", "no API secret; enter it as")]
)
def test_missing_credentials_are_asked_for_where_they_belong(
    vendor: requests_mock.Mocker, set_connection: Callable[..., str], missing: str, told: str
) -> None:
    fields: dict[str, Any] = {"login": "a-key-id", "password": SECRET, "extra": {"project_token": "p"}}
    del fields[missing]
    hook = BloomreachHook(set_connection("half", conn_type="bloomreach", **fields))
    with pytest.raises(ConnectionSettingsError, match=told):
        start(hook)
    assert not vendor.called


def test_a_key_id_with_a_colon_is_refused(vendor: requests_mock.Mocker, set_connection: Callable[..., str]) -> None:
    fields: dict[str, Any] = {"login": f"a-key-id:{SECRET}", "password": SECRET, "extra": {"project_token": "p"}}
    hook = BloomreachHook(set_connection("pair", conn_type="bloomreach", **fields))
    with pytest.raises(ConnectionSettingsError, match="enter the ID alone") as raised:
        start(hook)
    assert SECRET not in str(raised.value)
    assert not vendor.called


# The error table


@pytest.mark.parametrize(
    ("status", "name", "kind", "told"),
    [
        (
            200,
            "not_accepted",
            VendorRequestError,
            ['"success": false', "The import was not started", "Nothing was done"],
        ),
        (400, "bad_request", VendorRequestError, ["could not understand"]),
        (400, "bad_path", VendorRequestError, ["bad path"]),
        (400, "source_refused", VendorRequestError, ["Could not authenticate", "import's own source", "are good"]),
        (401, None, VendorAuthError, ["private-access API key"]),
        (403, "no_permission", VendorAuthError, ["No permission", "Imports > Allow trigger imports"]),
        (404, "import_not_found", VendorRequestError, ["was not found", "Check import_id"]),
        (404, "path_not_found", VendorRequestError, ["Not Found", "the host"]),
        (429, "too_many_requests", VendorRateLimitError, ["Too many requests"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@BOTH
def test_every_shape_of_error_says_what_to_do(
    vendor: requests_mock.Mocker,
    connect: Connect,
    sample: Sample,
    do: Starter,
    url: str,
    status: int,
    name: str | None,
    kind: type[VendorImportError],
    told: list[str],
) -> None:
    answer = sample(status, name) if name else {"status_code": status, "headers": {"WWW-Authenticate": "Basic"}}
    vendor.post(url, **answer)
    error = refused(do, connect(), kind)
    assert error.status_code == status
    assert [part for part in told if part not in str(error)] == []
    assert (len(vendor.request_history) > 1) == (status == 429)


def test_the_sources_credentials_are_told_apart_from_ours(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(START, [sample(400, "source_refused"), {"status_code": 401}, {"status_code": 401}])
    sources, ours = refused(start, connect(), VendorRequestError), refused(start, connect(), VendorAuthError)
    assert "private-access" not in str(sources)
    assert "source" not in str(ours)


def test_each_kind_of_import_that_is_not_found_hints_at_the_other_call(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(requests_mock.ANY, **sample(404, "import_not_found"))
    assert "managed_by_api=True" in str(refused(start, connect(), VendorRequestError))
    assert "managed_by_api=False" in str(refused(run, connect(), VendorRequestError))


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 500},
        {"status_code": 502, "text": "<html>Bad gateway</html>"},
        {"status_code": 504},
        {"exc": requests.exceptions.ReadTimeout},
        {"exc": requests.exceptions.ConnectionError},
        {"text": ""},
        {"text": "<html>Welcome</html>"},
        {"text": "[]"},
    ],
    ids=["500", "502", "504", "timeout", "broken", "empty", "page", "array"],
)
@BOTH
def test_what_is_not_certain_is_an_unknown_outcome_and_not_repeated(
    vendor: requests_mock.Mocker, connect: Connect, do: Starter, url: str, answer: dict[str, Any]
) -> None:
    vendor.post(url, **answer)
    assert "unknown whether the vendor acted" in str(refused(do, connect(), UnknownOutcomeError))
    assert len(vendor.request_history) == 1


def test_a_timeout_names_its_usual_cause(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.post(START, exc=requests.exceptions.ReadTimeout)
    error = str(refused(start, connect(), UnknownOutcomeError))
    assert "timeout" in error
    assert "test_connection=False" in error


def test_only_an_explicit_success_is_a_start(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(START, **sample(200, "answer_of_another_kind"))
    refused(start, connect(), UnknownOutcomeError)


@pytest.mark.parametrize("name", ["accepted", "accepted_run", "answer_of_another_kind"])
def test_what_a_run_answers_is_not_documented_so_any_object_that_does_not_say_no_will_do(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, name: str
) -> None:
    vendor.post(RUN, **sample(200, name))
    assert run(connect()).key == {"import_id": IMPORT_ID}

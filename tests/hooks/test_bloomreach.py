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
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.bloomreach import BloomreachHook
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus

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
    host = HOST if "project_token" in extra else "https://api.bloomreach.com"
    assert [request.url for request in vendor.request_history] == [f"{host}{path}/imports/{IMPORT_ID}/start"]


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


@pytest.mark.parametrize("import_id", ["", "  ", None, 7.5])
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


# The kinds that can be started


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"project_token": "p"}, ["a database", "not those from Snowflake", "item collections", "path is only for"]),
        ({"workspace_id": "w"}, ["In a workspace", "a data warehouse", "not those from copied & pasted"]),
    ],
)
def test_a_refused_kind_of_import_is_told_which_kinds_can_be_started(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, place: dict[str, str], told: list[str]
) -> None:
    vendor.post(requests_mock.ANY, **sample(400, "bad_path"))
    error = str(refused(start, connect(**place), VendorRequestError))
    assert [part for part in told if part not in error] == []


@pytest.mark.parametrize(
    ("extra", "host"),
    [
        ({"project_token": "p"}, HOST),
        ({"workspace_id": "w"}, "https://api.bloomreach.com"),
        ({"workspace_id": "w", "project_token": "p"}, HOST),
    ],
)
def test_a_connection_of_a_workspace_without_a_host_goes_to_the_workspaces_host(
    connect: Connect, extra: dict[str, str], host: str
) -> None:
    assert connect(**extra).client.settings.base_url == host


# The test of a connection

TIME = f"{HOST}/track/v2/projects/a-project/system/time"
LIST = f"{HOST}/imports/v1/a-project"


def test_a_key_is_tested_by_the_clock_first_and_by_the_list_second(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.get(TIME, **sample(200, "system_time"))
    vendor.get(LIST, **sample(200, "imports"))
    good, told = connect().test_connection()
    assert good
    assert told.startswith("Bloomreach accepted the API key for this project.")
    assert [request.url for request in vendor.request_history] == [TIME, f"{LIST}?limit=1&offset=0"]


def test_a_key_that_may_not_list_is_good_all_the_same(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.get(TIME, **sample(200, "system_time"))
    vendor.get(LIST, **sample(403, "no_permission"))
    good, told = connect().test_connection()
    assert good
    assert told.startswith("Bloomreach accepted the API key for this project, but does not let it list imports")


def test_a_server_that_does_not_tell_the_time_is_asked_for_the_list(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.get(TIME, **sample(404, "path_not_found"))
    vendor.get(LIST, [sample(200, "imports"), sample(403, "no_permission"), sample(404, "path_not_found")])
    hook = connect()
    told = [hook.test_connection() for _ in range(3)]
    assert [good for good, _ in told] == [True, True, False]
    assert told[1][1].startswith("Bloomreach knows the API key, but")
    assert "Check the project token and the host" in told[2][1]


@pytest.mark.parametrize("extra", [{"project_token": "a-project"}, {"workspace_id": "w"}])
def test_a_bad_key_is_refused_by_the_clock(
    vendor: requests_mock.Mocker, connect: Connect, extra: dict[str, str]
) -> None:
    vendor.get(requests_mock.ANY, status_code=401)
    good, told = connect(**extra).test_connection()
    assert not good
    assert "private-access API key" in told
    assert {request.path.rpartition("/")[2] for request in vendor.request_history} == {"time"}


def test_a_workspaces_key_is_tested_by_the_clock_alone(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.get("https://api.bloomreach.com/track/v2/workspaces/w/system/time", **sample(200, "system_time"))
    good, told = connect(workspace_id="w").test_connection()
    assert good
    assert told.startswith("Bloomreach accepted the API key for this workspace.")


def test_another_server_is_not_taken_for_bloomreach(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.get(requests_mock.ANY, json={"hello": "world"})
    good, told = connect().test_connection()
    assert not good
    assert "the answer has no time" in told


# Definitions

DEFINITION = {"name": "Customers", "active": True, "trigger": {"trigger_type": "now"}, "source": {}}
NEW_ID = "7b2c3d4e5f60718293a4b5c6"
OLD_ID = "6a1b2c3d4e5f60718293a4b5"


def test_a_definition_is_made_as_it_is_given(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(LIST, **sample(201, "import_created"))
    assert connect().create_import_definition(DEFINITION) == NEW_ID
    (request,) = vendor.request_history
    assert request.json() == DEFINITION


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({}, r"definition\['name'\] must be a text"),
        ({"name": " "}, r"definition\['name'\] must be a text"),
        ("Customers", "definition must be a dict, not a text"),
        (None, "definition must be a dict, not None"),
    ],
)
@pytest.mark.parametrize("method", ["create_import_definition", "create_import_definition_if_missing"])
def test_a_definition_without_a_name_is_not_sent(
    vendor: requests_mock.Mocker, connect: Connect, method: str, definition: Any, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        getattr(connect(), method)(definition)
    assert not vendor.called


@pytest.mark.parametrize("answer", [{"status_code": 503}, {"text": "{}"}, {"exc": requests.exceptions.ReadTimeout}])
def test_a_creation_whose_answer_is_lost_is_unknown_and_sent_once(
    vendor: requests_mock.Mocker, connect: Connect, answer: dict[str, Any]
) -> None:
    vendor.post(LIST, **answer)
    with pytest.raises(UnknownOutcomeError):
        connect().create_import_definition(DEFINITION)
    assert vendor.call_count == 1


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        (lambda hook: hook.list_import_definitions(), "Imports > Allow to List Imports"),
        (lambda hook: hook.get_import_definition(OLD_ID), "Imports > Allow to Read Imports"),
        (lambda hook: hook.create_import_definition(DEFINITION), "Imports > Allow to Create new Imports"),
        (lambda hook: hook.delete_import_definition(OLD_ID), "Imports > Allow to Delete existing imports"),
        (lambda hook: hook.get_customer_properties({"registered": "a"}, ["b"]), "Customer properties > Get"),
    ],
)
def test_each_call_names_the_permission_that_it_needs(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, method: Callable[[Any], Any], permission: str
) -> None:
    vendor.register_uri(requests_mock.ANY, requests_mock.ANY, **sample(403, "no_permission"))
    with pytest.raises(VendorAuthError, match=f'The key needs the permission "{permission}"'):
        method(connect())


def test_a_refused_definition_is_told_the_limits(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.post(LIST, status_code=400, json={"errors": ["too many"]})
    with pytest.raises(VendorRequestError, match="25 active definitions that the API made, each with 48 scheduled"):
        connect().create_import_definition(DEFINITION)


def definitions(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"import_id": f"id-{n}", "import_definition": {"name": f"Import {n}"}} for n in range(first, first + count)]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 120])
def test_all_definitions_are_listed_fifty_at_a_time(vendor: requests_mock.Mocker, connect: Connect, count: int) -> None:
    everything = definitions(count)

    def page(request: Any, context: Any) -> list[dict[str, Any]]:
        limit, offset = (int(request.qs[name][0]) for name in ("limit", "offset"))
        return everything[offset : offset + limit]

    vendor.get(LIST, json=page)
    listed = connect().list_import_definitions()
    assert [(one.import_id, one.name) for one in listed] == [(f"id-{n}", f"Import {n}") for n in range(count)]
    assert vendor.call_count == count // 50 + 1
    assert all(request.qs["limit"] == ["50"] for request in vendor.request_history)


def test_a_server_that_leaves_the_offset_unread_is_not_asked_for_ever(
    vendor: requests_mock.Mocker, connect: Connect
) -> None:
    vendor.get(LIST, json=definitions(50))
    assert len(connect().list_import_definitions()) == 50
    assert vendor.call_count == 2


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_definition_is_read_in_both_documented_shapes(
    vendor: requests_mock.Mocker, connect: Connect, wrapped: bool
) -> None:
    item = {"import_id": OLD_ID, "import_definition": DEFINITION}
    vendor.get(f"{LIST}/{OLD_ID}", json={"import": item} if wrapped else item)
    read = connect().get_import_definition(OLD_ID)
    assert (read.import_id, read.definition, read.name) == (OLD_ID, DEFINITION, "Customers")


def test_a_definition_is_deleted(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.delete(f"{LIST}/{OLD_ID}", status_code=204)
    connect().delete_import_definition(OLD_ID)
    assert [request.method for request in vendor.request_history] == ["DELETE"]


@pytest.mark.parametrize(
    ("seen", "gone"),
    [
        ({"status_code": 404, "json": {"errors": {"code": "NotFoundError"}}}, True),
        ({"status_code": 404, "text": "<html>Not here</html>"}, False),
        ({"json": {"import_id": "x"}}, False),
    ],
)
def test_a_deletion_whose_answer_is_lost_is_looked_after(
    vendor: requests_mock.Mocker, connect: Connect, seen: dict[str, Any], gone: bool
) -> None:
    vendor.delete(f"{LIST}/{OLD_ID}", exc=requests.exceptions.ReadTimeout)
    vendor.get(f"{LIST}/{OLD_ID}", **seen)
    if gone:
        connect().delete_import_definition(OLD_ID)
    else:
        with pytest.raises(UnknownOutcomeError):
            connect().delete_import_definition(OLD_ID)
    assert [request.method for request in vendor.request_history] == ["DELETE", "GET"]


def test_a_definition_that_is_there_is_not_made_again(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.get(LIST, **sample(200, "imports"))
    found, made = connect().create_import_definition_if_missing(DEFINITION)
    assert (found.import_id, made) == (OLD_ID, False)
    assert {request.method for request in vendor.request_history} == {"GET"}


def test_a_definition_that_is_missing_is_made(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.get(LIST, **sample(200, "imports"))
    vendor.post(LIST, **sample(201, "import_created"))
    found, made = connect().create_import_definition_if_missing({**DEFINITION, "name": "Orders"})
    assert (found.import_id, found.name, made) == (NEW_ID, "Orders", True)


@pytest.mark.parametrize("shown", [True, False])
def test_a_creation_whose_answer_is_lost_is_looked_after_by_name(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample, shown: bool
) -> None:
    vendor.get(LIST, [{"json": []}, sample(200, "imports") if shown else {"json": []}])
    vendor.post(LIST, exc=requests.exceptions.ReadTimeout)
    if shown:
        found, made = connect().create_import_definition_if_missing(DEFINITION)
        assert (found.import_id, made) == (OLD_ID, True)
    else:
        with pytest.raises(UnknownOutcomeError):
            connect().create_import_definition_if_missing(DEFINITION)
    assert [request.method for request in vendor.request_history] == ["GET", "POST", "GET"]


def test_two_definitions_of_one_name_are_nobodys_choice(vendor: requests_mock.Mocker, connect: Connect) -> None:
    twins = [{"import_id": name, "import_definition": {"name": "Customers"}} for name in ("one", "two")]
    vendor.get(LIST, json=twins)
    with pytest.raises(InvalidInputError, match=r"2 API-made imports of the name 'Customers': one, two\."):
        connect().create_import_definition_if_missing(DEFINITION)


# One customer

ATTRIBUTES = f"{HOST}/data/v2/projects/a-project/customers/attributes"
CANARY = {"registered": "canary@example.com"}
STAMP = "2026-11-25T06:00:00+00:00"


def arrival(hook: BloomreachHook, stamp: str = STAMP) -> ImportStatus:
    return hook.get_status(hook.arrival_of(CANARY, "import_stamp", stamp))


def test_a_customers_properties_are_read(vendor: requests_mock.Mocker, connect: Connect, sample: Sample) -> None:
    vendor.post(ATTRIBUTES, **sample(200, "customer_attributes"))
    read = connect().get_customer_properties(CANARY, ["import_stamp", "nickname"])
    assert read == {"import_stamp": STAMP, "nickname": None}
    (request,) = vendor.request_history
    assert request.json() == {
        "customer_ids": CANARY,
        "attributes": [
            {"type": "property", "property": "import_stamp"},
            {"type": "property", "property": "nickname"},
        ],
    }


@pytest.mark.parametrize(
    ("answer", "state", "word"),
    [
        ({"json": {"results": [{"success": True, "value": STAMP}], "success": True}}, "evidence", "arrived"),
        (
            {"json": {"results": [{"success": True, "value": "2026-11-24T06:00:00+00:00"}], "success": True}},
            "running",
            "import_stamp is '2026-11-24T06:00:00+00:00' so far",
        ),
        (
            {"json": {"results": [{"success": True, "value": None}], "success": True}},
            "running",
            "import_stamp is nothing so far",
        ),
        (
            {"json": {"results": [{"success": False, "error": "not defined"}], "success": True}},
            "running",
            "import_stamp is nothing so far",
        ),
        (
            {"json": {"results": [{"success": True, "value": ["a"]}], "success": True}},
            "running",
            "import_stamp is nothing so far",
        ),
        ({"status_code": 404, "json": {"errors": {"code": "NotFoundError"}}}, "running", "no such record yet"),
        ({"json": {"success": False, "errors": ["Customer does not exist"]}}, "running", "no such record yet"),
    ],
)
def test_an_arrival_is_evidence_only_once_the_record_has_the_value(
    vendor: requests_mock.Mocker, connect: Connect, answer: dict[str, Any], state: str, word: str
) -> None:
    vendor.post(ATTRIBUTES, **answer)
    status = arrival(connect())
    assert (str(status.state), status.vendor_status) == (state, word)
    assert status.state is not ImportState.SUCCEEDED


def test_a_missing_permission_ends_the_wait_for_an_arrival(vendor: requests_mock.Mocker, connect: Connect) -> None:
    vendor.post(ATTRIBUTES, json={"results": [{"success": False, "error": "No permission"}], "success": True})
    with pytest.raises(VendorAuthError, match=r"No permission.*Customer properties > Get"):
        arrival(connect())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"json": {"success": True}}, VendorUnavailableError),
        ({"json": {"results": []}}, VendorUnavailableError),
        ({"json": {"results": [7]}}, VendorUnavailableError),
        ({"status_code": 404, "text": "<html>Not here</html>"}, VendorUnavailableError),
        ({"json": {"success": False, "errors": ["bad ids"]}}, VendorRequestError),
    ],
)
def test_an_answer_that_tells_nothing_of_the_customer_is_an_error(
    vendor: requests_mock.Mocker, connect: Connect, answer: dict[str, Any], kind: type[VendorImportError]
) -> None:
    vendor.post(ATTRIBUTES, **answer)
    with pytest.raises(kind):
        arrival(connect())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (({}, "p", "v"), "customer_ids must be a dict with at least one id, not an empty one"),
        (({"registered": ""}, "p", "v"), r"customer_ids\['registered'\] must be a text that is not empty"),
        (({"registered": ["a"]}, "p", "v"), r"customer_ids\['registered'\] must be a text .* type list"),
        (("a", "p", "v"), "customer_ids must be a dict with at least one id, not a text"),
        ((CANARY, " ", "v"), "property_name must be a text"),
        ((CANARY, "p", ""), "value must be a text"),
    ],
)
def test_an_arrival_of_nothing_is_refused(connect: Connect, arguments: tuple[Any, ...], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        connect().arrival_of(*arguments)


def test_an_arrival_survives_its_way_to_a_trigger_and_looks_where_it_is_told_to(
    vendor: requests_mock.Mocker, connect: Connect, sample: Sample
) -> None:
    vendor.post(requests_mock.ANY, json={"results": [{"success": True, "value": 7}]})
    hook = connect()
    run_ = ImportRun.from_json(hook.arrival_of(CANARY, "import_stamp", "7", project_token="q").to_json())
    assert hook.get_status(run_).state is ImportState.EVIDENCE
    assert vendor.last_request.path == "/data/v2/projects/q/customers/attributes"


def test_a_start_has_no_status_to_wait_for(vendor: requests_mock.Mocker, connect: Connect) -> None:
    with pytest.raises(NotImplementedError, match="publishes no status of an import run"):
        connect().get_status(ImportRun("bloomreach", {"import_id": IMPORT_ID}))
    assert not vendor.called

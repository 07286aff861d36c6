"""Bloomreach's stand-in does what Bloomreach's documents and published clients say."""

from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import bloomreach as vendor

from .conftest import Call

KEY = (vendor.API_KEY_ID, vendor.API_SECRET)
WORKSPACE_KEY = (vendor.WORKSPACE_API_KEY_ID, vendor.WORKSPACE_API_SECRET)
PROJECT = f"/bloomreach/data/v2/projects/{vendor.PROJECT_TOKEN}/imports"
WORKSPACE = f"/bloomreach/data/v2/workspaces/{vendor.WORKSPACE_ID}/imports"
MANAGEMENT = f"/bloomreach/imports/v1/{vendor.PROJECT_TOKEN}"


def start(call: Call, import_id: str = vendor.UI_IMPORT_ID, base: str = PROJECT, **options: Any) -> requests.Response:
    return call("POST", f"{base}/{import_id}/start", **{"auth": KEY, **options})


def run(call: Call, import_id: str = vendor.API_IMPORT_ID, **options: Any) -> requests.Response:
    return call("POST", f"{MANAGEMENT}/{import_id}/run", auth=KEY, **options)


@pytest.mark.parametrize(
    ("base", "key"), [(PROJECT, KEY), (PROJECT.replace("/v2/", "/v1/"), KEY), (WORKSPACE, WORKSPACE_KEY)]
)
def test_three_ways_to_start(call: Call, sandbox: Sandbox, base: str, key: tuple[str, str]) -> None:
    answer = start(call, base=base, auth=key)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (entry,) = sandbox.journal
    assert (entry.operation, entry.acted, entry.run) == ("start_import", True, vendor.UI_IMPORT_ID)


def test_a_start_with_options(call: Call, sandbox: Sandbox) -> None:
    start(call, json={"path": "https://files.example.com/today.csv", "test_connection": False})
    run(call, json={"path_to_overwrite": "gs://bucket/today.csv"})
    assert sandbox.vendors["bloomreach"].runs == [
        vendor.BloomreachRun(vendor.UI_IMPORT_ID, "https://files.example.com/today.csv", False),
        vendor.BloomreachRun(vendor.API_IMPORT_ID, "gs://bucket/today.csv", True),
    ]


def test_starting_twice_is_two_runs(call: Call, sandbox: Sandbox) -> None:
    start(call)
    start(call)
    assert len(sandbox.vendors["bloomreach"].runs) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Content-Type": "application/json"}},
        {"data": "{}"},
        {"data": "{", "headers": {"Content-Type": "application/json"}},
        {"json": []},
        {"json": {"path_to_overwrite": "x"}},
        {"json": {"path": 7}},
        {"json": {"test_connection": "no"}},
    ],
)
def test_bad_bodies_and_a_content_type_without_a_body_are_400(
    call: Call, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    answer = start(call, **options)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["errors"]["_global"][0].startswith("BadRequest")
    assert not sandbox.vendors["bloomreach"].runs


def test_the_two_families_do_not_mix(call: Call) -> None:
    assert start(call, vendor.API_IMPORT_ID).status_code == 400
    refused = run(call, vendor.UI_IMPORT_ID)
    assert refused.status_code == 404
    assert refused.json()["errors"]["code"] == "NotFoundError"
    assert run(call, json={"path": "x"}).status_code == 400


def test_refusals_in_all_their_shapes(call: Call, sandbox: Sandbox) -> None:
    assert start(call, "000000000000000000000000").json()["errors"]["code"] == "NotFoundError"
    assert start(call, json={"path": ""}).json() == {"error": "bad path"}
    assert start(call, vendor.UPLOAD_IMPORT_ID).status_code == 400
    refused = start(call, vendor.REFUSED_IMPORT_ID)
    assert (refused.status_code, refused.json()["success"]) == (200, False)
    assert call("GET", "/bloomreach/nothing").json()["errors"]["code"] == 404
    assert not any(entry.acted for entry in sandbox.journal)


def test_only_the_connection_test_notices_an_unreachable_source(call: Call) -> None:
    tested = start(call, vendor.UNREACHABLE_IMPORT_ID)
    assert (tested.status_code, tested.json()["error"][:22]) == (400, "Could not authenticate")
    untested = start(call, vendor.UNREACHABLE_IMPORT_ID, json={"test_connection": False})
    assert untested.json() == {"success": True}


def test_a_slow_connection_test_keeps_the_client_waiting(call: Call, sandbox: Sandbox) -> None:
    sandbox.change_settings(bloomreach={"connection_test_seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.url}{PROJECT}/{vendor.UI_IMPORT_ID}/start", auth=KEY, timeout=0.1)
    assert start(call, json={"test_connection": False}).status_code == 200


def test_who_may_start(call: Call) -> None:
    refused = start(call, auth=(vendor.API_KEY_ID, "wrong"))
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="Login Required"'
    assert start(call, auth=None).status_code == 401
    forbidden = [
        start(call, auth=(vendor.LIMITED_API_KEY_ID, vendor.LIMITED_API_SECRET)),
        start(call, base=WORKSPACE),
        start(call, auth=WORKSPACE_KEY),
        start(call, base=PROJECT.replace(vendor.PROJECT_TOKEN, "another")),
        start(call, base=WORKSPACE.replace(vendor.WORKSPACE_ID, "another"), auth=WORKSPACE_KEY),
    ]
    assert [answer.status_code for answer in forbidden] == [403] * 5
    assert forbidden[0].json()["errors"]["_global"][0].startswith("No permission")


def test_the_list_is_a_bare_array_of_api_made_imports(call: Call) -> None:
    listed = call("GET", MANAGEMENT, auth=KEY).json()
    assert [each["import_id"] for each in listed] == [vendor.API_IMPORT_ID]
    assert call("GET", f"{MANAGEMENT}?offset=1&limit=50", auth=KEY).json() == []
    assert call("GET", f"{MANAGEMENT}?limit=51", auth=KEY).status_code == 400
    assert call("GET", f"{MANAGEMENT}/{vendor.API_IMPORT_ID}", auth=KEY).json() == listed[0]
    assert call("GET", f"{MANAGEMENT}/{vendor.UI_IMPORT_ID}", auth=KEY).status_code == 404


def test_429_with_and_without_hints(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("rate_limit", vendor="bloomreach", seconds=4)
    assert start(call).headers["Retry-After"] == "4"
    sandbox.add_fault("rate_limit", vendor="bloomreach", hints=False)
    assert start(call).json()["errors"] == ["Too many requests"]

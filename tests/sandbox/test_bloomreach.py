"""Bloomreach's stand-in does what Bloomreach's documents and published clients say."""

from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import bloomreach as vendor

from .conftest import Call, Clock

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


# Definitions

DEFINITION = {
    "name": "Nightly customers",
    "trigger": {"trigger_type": "now"},
    "source": {"source_type": "url", "import_url": "https://files.example.com/nightly.csv"},
    "destination": {"customer_destination": {}},
    "mapping": {"column_mapping": {"id_mappings": [{"from_column": "email", "to_id": "registered"}]}},
}


def create(call: Call, **changes: Any) -> requests.Response:
    return call("POST", MANAGEMENT, auth=KEY, json={**DEFINITION, **changes})


def test_a_definition_is_made_read_run_and_deleted(call: Call, sandbox: Sandbox) -> None:
    import_id = create(call).json()["import_id"]
    read = call("GET", f"{MANAGEMENT}/{import_id}", auth=KEY).json()
    assert read == {"import_id": import_id, "import_definition": {**DEFINITION, "active": True}}
    assert start(call, import_id).status_code == 400
    assert run(call, import_id).json() == {"success": True}
    assert call("DELETE", f"{MANAGEMENT}/{import_id}", auth=KEY).status_code == 200
    assert call("DELETE", f"{MANAGEMENT}/{import_id}", auth=KEY).status_code == 404
    assert run(call, import_id).status_code == 404
    acted = [(entry.operation, entry.run) for entry in sandbox.journal if entry.acted]
    assert acted == [(name, import_id) for name in ("create_import", "run_import", "delete_import")]


@pytest.mark.parametrize(
    ("changes", "runs"),
    [({}, 1), ({"active": False}, 0), ({"trigger": {"trigger_type": "scheduled", "times": ["03:00"]}}, 0)],
)
def test_a_definition_runs_at_once_if_its_trigger_says_so(
    call: Call, sandbox: Sandbox, changes: dict[str, Any], runs: int
) -> None:
    import_id = create(call, **changes).json()["import_id"]
    assert [each.import_id for each in sandbox.vendors["bloomreach"].runs] == [import_id] * runs


def test_definitions_are_listed_page_by_page_ten_unless_asked_for_more(call: Call) -> None:
    made = [vendor.API_IMPORT_ID, *(create(call, name=f"import {n}").json()["import_id"] for n in range(11))]
    pages = [call("GET", f"{MANAGEMENT}?{query}", auth=KEY).json() for query in ("", "offset=10", "limit=50")]
    assert [[each["import_id"] for each in page] for page in pages] == [made[:10], made[10:], made]


def test_a_project_has_25_active_definitions_at_most(call: Call) -> None:
    assert {create(call).status_code for _ in range(24)} == {200}
    assert "25 active" in create(call).json()["errors"][0]
    assert create(call, active=False).status_code == 200
    call("DELETE", f"{MANAGEMENT}/{vendor.API_IMPORT_ID}", auth=KEY)
    assert create(call).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 7},
        {"source": {}},
        {"trigger": {"trigger_type": "soon"}},
        {"trigger": {"trigger_type": "scheduled", "times": ["00:00"] * 49}},
        {"import_definition": DEFINITION},
    ],
)
def test_a_definition_that_makes_no_sense_is_400(call: Call, sandbox: Sandbox, changes: dict[str, Any]) -> None:
    assert create(call, **changes).status_code == 400
    assert call("POST", MANAGEMENT, auth=KEY, json={"name": "alone"}).status_code == 400
    assert call("POST", MANAGEMENT, auth=KEY, data="{").status_code == 400
    assert not any(entry.acted for entry in sandbox.journal)


def test_making_and_deleting_need_permissions_of_their_own(call: Call) -> None:
    limited = (vendor.LIMITED_API_KEY_ID, vendor.LIMITED_API_SECRET)
    assert call("GET", MANAGEMENT, auth=limited).status_code == 200
    assert call("POST", MANAGEMENT, auth=limited, json=DEFINITION).status_code == 403
    assert call("DELETE", f"{MANAGEMENT}/{vendor.API_IMPORT_ID}", auth=limited).status_code == 403


# Time, and customers

CUSTOMERS = f"/bloomreach/data/v2/projects/{vendor.PROJECT_TOKEN}/customers/attributes"


def test_the_time_needs_a_key_and_no_permission(call: Call, clock: Clock) -> None:
    path = f"/bloomreach/track/v2/projects/{vendor.PROJECT_TOKEN}/system/time"
    limited = (vendor.LIMITED_API_KEY_ID, vendor.LIMITED_API_SECRET)
    assert call("GET", path, auth=limited).json() == {"success": True, "errors": [], "time": clock.now}
    assert call("GET", path).status_code == 401
    assert call("GET", path, auth=WORKSPACE_KEY).status_code == 403


def ask(call: Call, email: str = "canary@example.com", **options: Any) -> requests.Response:
    wanted = [{"type": "property", "property": "run"}, {"type": "id", "id": "registered"}]
    body = {"customer_ids": {"registered": email}, "attributes": wanted}
    return call("POST", CUSTOMERS, **{"auth": KEY, "json": body, **options})


def test_a_customer_is_there_when_the_import_that_brings_it_has_ended(
    call: Call, clock: Clock, sandbox: Sandbox, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text("registered,run\ncanary@example.com,first\n")
    sandbox.change_settings(bloomreach={"source": str(source)})
    start(call)
    source.write_text("registered,run\nCanary@example.com,second\n")
    assert ask(call).status_code == 404
    clock.move(10)
    assert [each["value"] for each in ask(call).json()["results"]] == ["first", "canary@example.com"]
    run(call)
    clock.move(9)
    assert ask(call).json()["results"][0] == {"success": True, "value": "first"}
    clock.move(1)
    assert ask(call).json()["results"][0]["value"] == "second"


def test_nobody_may_be_a_404_or_nulls_and_a_missing_permission_is_a_200(call: Call, sandbox: Sandbox) -> None:
    assert ask(call).json() == {"success": False, "errors": ["Customer does not exist"]}
    sandbox.change_settings(bloomreach={"unknown_customer_is_404": False})
    assert ask(call).json() == {"success": True, "results": [{"success": True, "value": None}] * 2}
    limited = ask(call, auth=(vendor.LIMITED_API_KEY_ID, vendor.LIMITED_API_SECRET))
    assert (limited.status_code, limited.json()["results"][0]) == (200, {"error": "No permission", "success": False})


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"customer_ids": {}, "attributes": [{"type": "property", "property": "a"}]},
        {"customer_ids": {"registered": None}, "attributes": [{"type": "property", "property": "a"}]},
        {"customer_ids": {"registered": "a"}, "attributes": []},
        {"customer_ids": {"registered": "a"}, "attributes": [{"type": "aggregate", "id": "a"}]},
        {"customer_ids": {"registered": "a"}, "attributes": [{"type": "property", "id": "a"}]},
    ],
)
def test_a_question_that_makes_no_sense_is_400(call: Call, body: Any) -> None:
    assert ask(call, json=body).status_code == 400

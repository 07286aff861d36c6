"""Rocket.Chat's stand-in does what its documents, and a reading of the server, say."""

from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import rocketchat as vendor

from .conftest import Call, Clock

ME = {"X-User-Id": vendor.USER_ID, "X-Auth-Token": vendor.AUTH_TOKEN}
OTHER = {"X-User-Id": vendor.OTHER_USER_ID, "X-Auth-Token": vendor.OTHER_AUTH_TOKEN}
LIMITED = {"X-User-Id": vendor.LIMITED_USER_ID, "X-Auth-Token": vendor.LIMITED_AUTH_TOKEN}


def people(first: int, last: int) -> list[dict[str, Any]]:
    return [{"emails": [f"u{n}@example.com"], "importIds": [str(n)], "username": f"u{n}"} for n in range(first, last)]


@pytest.fixture
def api(call: Call, sandbox: Sandbox) -> Call:
    """``api("import.new")``: POST with a body or for what changes something, else GET; without a rate limit."""
    sandbox.change_settings(rocketchat={"calls_per_window": None})

    def send(route: str, **options: Any) -> requests.Response:
        reads = ("import.status", "getCurrent", "getLatest", "users.info", "me")
        method = "GET" if route.startswith(reads) else "POST"
        return call(method, f"/rocketchat/api/v1/{route}", **{"headers": ME, **options})

    return send


def status(api: Call) -> dict[str, Any]:
    return api("import.status").json()  # type: ignore[no-any-return]


def add(api: Call, users: Any) -> requests.Response:
    return api("import.addUsers", json={"users": users})


def test_an_import_goes_through_its_states(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    assert status(api) == {"state": "none", "success": True}
    operation = api("import.new").json()["operation"]
    assert operation == {
        "_id": operation["_id"],
        "type": "api",
        "importerKey": "api",
        "ts": "2025-06-15T15:06:40.000Z",
        "status": "importer_new",
        "valid": True,
        "user": vendor.USER_ID,
        "_updatedAt": "2025-06-15T15:06:40.000Z",
    }
    assert add(api, people(0, 100)).json() == {"success": True}
    assert add(api, people(100, 120)).status_code == 200
    ready = status(api)
    assert ready["state"] == "ready"
    assert ready["operation"]["count"] == {"total": 120, "users": 120}
    assert api("import.run").json() == {"success": True}
    steps = []
    for _ in range(100):
        running = status(api)
        steps.append(running["operation"]["status"])
        assert running["operation"]["count"].get("completed", 0) in (0, 50, 100, 120)
        clock.move(0.1)
    assert list(dict.fromkeys(steps)) == [
        "importer_importing_started",
        "importer_importing_users",
        "importer_importing_contacts",
        "importer_importing_channels",
        "importer_importing_messages",
        "importer_finishing",
    ]
    clock.move(1)
    done = status(api)
    assert (done["state"], done["operation"]["_id"]) == ("done", operation["_id"])
    assert done["operation"]["count"] == {"total": 120, "users": 120, "completed": 120, "error": 0}
    assert len(sandbox.vendors["rocketchat"].users) == 120


def test_duplicates_and_existing_users_are_errors_and_done_is_reported(
    api: Call, clock: Clock, sandbox: Sandbox
) -> None:
    for expected in ({"completed": 2, "error": 1}, {"completed": 0, "error": 3}):
        api("import.new")
        add(api, [*people(0, 2), {"emails": ["U1@example.com"], "importIds": ["x"]}])
        api("import.run")
        clock.move(11)
        ended = status(api)
        assert ended["state"] == "done"
        assert ended["operation"]["count"] == {"total": 3, "users": 3, **expected}
    found = api("users.info?importId=1").json()["user"]
    assert (found["username"], found["roles"]) == ("u1", ["user"])
    assert api("users.info?importId=x").status_code == 400


def test_a_new_operation_aborts_the_running_one_and_wipes_staged_users(
    api: Call, clock: Clock, sandbox: Sandbox
) -> None:
    first = api("import.new").json()["operation"]["_id"]
    add(api, people(0, 200))
    api("import.run")
    clock.move(5)
    second = api("import.new", headers=OTHER).json()["operation"]
    assert (second["_id"] != first, second["user"]) == (True, vendor.OTHER_USER_ID)
    assert status(api)["state"] == "new"
    workspace = sandbox.vendors["rocketchat"]
    assert workspace.staged == []
    clock.move(100)
    assert len(workspace.users) == 150  # a hundred were done, and one more batch until the job noticed
    assert [each.valid for each in workspace.operations] == [False, True]


def test_a_cleared_job_is_error_and_then_done_but_not_valid(api: Call, clock: Clock) -> None:
    api("import.new")
    add(api, people(0, 200))
    api("import.run")
    clock.move(3)
    assert api("import.clear").json() == {"success": True}
    assert status(api)["state"] == "error"
    clock.move(1)
    flipped = status(api)
    assert (flipped["state"], flipped["operation"]["valid"]) == ("done", False)
    assert flipped["operation"]["count"]["completed"] < 200


def test_the_latest_operations_are_a_bare_list_with_a_permission_of_their_own(api: Call, sandbox: Sandbox) -> None:
    first, second = (api("import.new").json()["operation"]["_id"] for _ in range(2))
    listed = api("getLatestImportOperations").json()
    assert {(one["_id"], one["valid"]) for one in listed} == {(first, False), (second, True)}
    sandbox.change_settings(rocketchat={"view_operations": False})
    assert api("getLatestImportOperations").status_code == 403


def test_clear_is_idempotent_and_ends_what_is_not_running_too(api: Call, sandbox: Sandbox) -> None:
    assert api("import.clear").status_code == 200
    api("import.new")
    add(api, people(0, 2))
    assert api("import.clear").status_code == api("import.clear").status_code == 200
    assert status(api)["state"] == "error"
    assert api("getCurrentImportOperation").json()["operation"]["valid"] is False
    assert [e.acted for e in sandbox.journal if e.operation == "clear_import"] == [False, True, False]


def test_calls_in_the_wrong_state(api: Call, clock: Clock) -> None:
    def error(answer: requests.Response) -> str:
        assert answer.status_code == 400
        assert answer.json().keys() == {"success", "error"}
        return str(answer.json()["error"])

    assert error(add(api, people(0, 1))) == "Import operation not initialized."
    assert error(api("import.run")) == "error-operation-not-found"
    assert add(api, []).status_code == 200
    api("import.new")
    assert error(api("import.run")) == "error-invalid-operation-status"
    add(api, people(0, 1))
    api("import.run")
    assert error(api("import.run")) == "error-invalid-operation-status"
    assert error(add(api, people(1, 2))) == "The current import operation can not receive new data."
    clock.move(11)
    assert error(add(api, people(1, 2))) == "The current import operation is already finished."


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"emails": [], "importIds": ["1"]}, "Users are missing required data."),
        ({"emails": ["a@example.com"], "importIds": [""]}, "Users are missing required data."),
        (
            {"emails": ["a@example.com"], "importIds": ["1"], "roles": ["king"]},
            "One or more of the users have been assigned invalid roles.",
        ),
    ],
)
def test_one_bad_user_stages_nobody(api: Call, sandbox: Sandbox, user: dict[str, Any], text: str) -> None:
    api("import.new")
    assert add(api, [*people(5, 9), user]).json() == {"success": False, "error": text}
    assert sandbox.vendors["rocketchat"].staged == []
    assert status(api)["state"] == "new"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "must have required property 'users'"),
        ({"users": [], "x": 1}, "must NOT have additional properties"),
        ({"users": {}}, "must be array"),
        ({"users": ["one"]}, "must be object"),
        ({"users": [{"importIds": ["1"]}]}, "must have required property 'emails'"),
        ({"users": [{"emails": [{"address": "a@example.com"}], "importIds": ["1"]}]}, "must be string"),
        ({"users": [{"emails": ["a"], "importIds": ["1"], "roles": "admin"}]}, "must be array"),
        ({"users": [{"emails": ["a"], "importIds": ["1"], "utcOffset": "east"}]}, "must be number"),
        ({"users": [{"emails": ["a"], "importIds": ["1"], "deleted": "maybe"}]}, "must be boolean"),
    ],
)
def test_the_body_validator(api: Call, sandbox: Sandbox, body: Any, text: str) -> None:
    api("import.new")
    answer = api("import.addUsers", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"success": False, "error": f"{text} [invalid-params]", "errorType": "invalid-params"}
    sandbox.change_settings(rocketchat={"plain_validation": True})
    assert api("import.addUsers", json=body).json()["error"] == text


def test_malformed_and_undeclared_json_counts_as_an_empty_body(api: Call) -> None:
    for options in ({"data": "{", "headers": {**ME, "Content-Type": "application/json"}}, {"data": '{"users":[]}'}):
        assert "required property 'users'" in api("import.addUsers", **options).json()["error"]


def test_types_are_coerced_and_unknown_keys_stored(api: Call, sandbox: Sandbox) -> None:
    api("import.new")
    user = {"emails": ["a@example.com"], "importIds": [7], "deleted": "true", "utcOffset": "2", "x": {"y": 1}}
    assert add(api, [{**user, "name": None, "bio": 5}]).status_code == 200
    assert sandbox.vendors["rocketchat"].staged == [
        {**user, "importIds": ["7"], "deleted": True, "utcOffset": 2.0, "name": None, "bio": "5"}
    ]


@pytest.mark.parametrize(("broken", "stored"), [(False, ["admin", "user"]), (True, ["a", "d", "m", "i", "n"])])
def test_roles_are_merged_rightly_or_as_older_servers_do(
    api: Call, clock: Clock, sandbox: Sandbox, broken: bool, stored: list[str]
) -> None:
    sandbox.change_settings(rocketchat={"broken_roles": broken})
    api("import.new")
    add(api, [{**people(0, 1)[0], "roles": ["admin"]}])
    api("import.run")
    clock.move(11)
    assert sandbox.vendors["rocketchat"].users[0]["roles"] == stored


def test_a_seat_limit_fails_the_whole_import(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.change_settings(rocketchat={"seat_limit": 1})
    api("import.new")
    add(api, people(0, 2))
    api("import.run")
    clock.move(1)
    failed = status(api)
    assert (failed["state"], failed["operation"]["status"]) == ("error", "importer_import_failed")
    assert sandbox.vendors["rocketchat"].users == []


def test_a_restart_spares_only_a_ready_operation(api: Call, sandbox: Sandbox) -> None:
    api("import.new")
    add(api, people(0, 2))
    sandbox.vendors["rocketchat"].restart()
    assert status(api)["state"] == "ready"
    api("import.run")
    sandbox.vendors["rocketchat"].restart()
    assert status(api)["state"] == "error"


def test_who_may_call(api: Call, call: Call, sandbox: Sandbox) -> None:
    assert call("GET", "/rocketchat/api/info").json()["version"]
    refused = api("import.status", headers={**ME, "X-Auth-Token": "wrong"})
    text = "You must be logged in to do this."
    assert refused.status_code == 401
    assert refused.json() == {"success": False, "error": text, "status": "error", "message": text}
    sandbox.change_settings(rocketchat={"short_401": True})
    assert api("me", headers={}).json() == {"status": "error", "message": text}
    assert api("me", headers=LIMITED).json()["_id"] == vendor.LIMITED_USER_ID
    forbidden = api("import.status", headers=LIMITED)
    assert forbidden.status_code == 403
    assert forbidden.json()["error"].endswith("[error-unauthorized]")


def test_ten_calls_a_minute_for_each_route(call: Call, clock: Clock) -> None:
    def get() -> requests.Response:
        return call("GET", "/rocketchat/api/v1/import.status", headers=ME)

    assert get().headers["X-RateLimit-Remaining"] == "9"
    for _ in range(9):
        assert get().status_code == 200
    clock.move(20)
    refused = get()
    assert refused.status_code == 429
    assert refused.json()["error"] == (
        "Error, too many requests. Please slow down. You must wait 40 seconds before trying this endpoint again."
        " [error-too-many-requests]"
    )
    assert refused.headers["X-RateLimit-Reset"] == "1750000060000"
    assert "Retry-After" not in refused.headers
    assert call("GET", "/rocketchat/api/v1/me", headers=ME).status_code == 200
    clock.move(40)
    assert get().status_code == 200


def test_the_rate_limit_fault_speaks_in_the_vendors_headers(api: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("rate_limit", vendor="rocketchat", seconds=3)
    hinted = api("import.new")
    assert (hinted.status_code, hinted.headers["X-RateLimit-Reset"]) == (429, "1750000003000")
    sandbox.add_fault("rate_limit", vendor="rocketchat", hints=False)
    assert "X-RateLimit-Reset" not in api("import.new").headers
    assert sandbox.vendors["rocketchat"].operations == []


# Importers other than import.new's

AVATARS = [
    {**user, "avatarUrl": url}
    for user, url in zip(people(0, 3), ("https://example.com/a.png", "b.png", None), strict=True)
]


def test_pending_avatars_are_fetched_by_an_operation_of_their_own(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    api("import.new")
    add(api, AVATARS)
    api("import.run")
    clock.move(11)
    status(api)
    assert api("downloadPendingAvatars", json={}).json() == {"count": 2, "success": True}
    fetching = status(api)
    assert (fetching["state"], fetching["operation"]["status"]) == ("importing", "importer_importing_files")
    assert (fetching["operation"]["importerKey"], fetching["operation"]["type"]) == (
        "pending-avatars",
        "Pending Avatars",
    )
    clock.move(11)
    done = status(api)
    assert (done["state"], done["operation"]["valid"]) == ("done", True)
    assert done["operation"]["count"] == {"total": 2, "messages": 2, "completed": 2, "error": 0}
    assert [user.get("avatarOrigin") for user in sandbox.vendors["rocketchat"].users] == ["url", None, None]
    assert api("downloadPendingAvatars").json()["count"] == 1  # what is no web address stays pending


def test_files_that_cannot_be_fetched_are_errors_and_stay_pending(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.change_settings(rocketchat={"pending_files": 120, "broken_files": 1})
    assert api("downloadPendingFiles").json()["count"] == 120
    clock.move(5)
    assert status(api)["operation"]["count"] == {"total": 120, "messages": 120, "completed": 49, "error": 1}
    clock.move(6)
    assert status(api)["operation"]["count"] == {"total": 120, "messages": 120, "completed": 119, "error": 1}
    assert api("downloadPendingFiles").json()["count"] == 1


@pytest.mark.parametrize("route", ["downloadPendingAvatars", "downloadPendingFiles"])
def test_with_nothing_pending_the_operation_is_done_at_once(api: Call, sandbox: Sandbox, route: str) -> None:
    assert api(route).json() == {"count": 0, "success": True}
    ended = status(api)
    assert (ended["state"], "count" in ended["operation"]) == ("done", False)
    (entry,) = [entry for entry in sandbox.journal if entry.acted]
    assert entry.run == ended["operation"]["_id"]


def test_fetching_wipes_what_was_staged_and_is_aborted_itself(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.change_settings(rocketchat={"pending_files": 200})
    api("import.new")
    add(api, people(0, 3))
    api("downloadPendingFiles")
    workspace = sandbox.vendors["rocketchat"]
    assert (workspace.staged, [each.valid for each in workspace.operations]) == ([], [False, True])
    clock.move(5)
    api("import.new")
    clock.move(100)
    assert workspace.workspace.fetched_files == 150  # a hundred were done, and one more batch until the job noticed


def test_fetching_takes_no_options_and_the_permission_to_import(api: Call, sandbox: Sandbox) -> None:
    assert api("downloadPendingFiles", json={"count": 1}).json()["errorType"] == "invalid-params"
    assert api("downloadPendingFiles", headers=LIMITED).status_code == 403
    assert sandbox.vendors["rocketchat"].operations == []


@pytest.mark.parametrize(("key", "name"), [("csv", "CSV"), ("slack", "Slack")])
def test_an_upload_in_the_ui_says_what_it_is(api: Call, sandbox: Sandbox, key: str, name: str) -> None:
    identity = sandbox.vendors["rocketchat"].upload_elsewhere(key)
    loading = status(api)
    assert (loading["state"], loading["operation"]["_id"]) == ("loading", identity)
    assert (loading["operation"]["importerKey"], loading["operation"]["type"]) == (key, name)
    assert add(api, people(0, 1)).json()["error"] == "The current import operation can not receive new data."


def test_the_latest_operations_may_come_wrapped(api: Call, sandbox: Sandbox) -> None:
    api("import.new")
    bare = api("getLatestImportOperations").json()
    sandbox.change_settings(rocketchat={"wrap_operations": True})
    assert api("getLatestImportOperations").json() == {"operations": bare, "success": True}

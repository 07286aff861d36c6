"""Rocket.Chat's hook against recorded answers: what is sent, what is read, and what each refusal tells the user."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import requests_mock
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportBusyError,
    ImportSupersededError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.rocketchat import RocketChatHook, calls
from airflow_provider_imports.hooks.rocketchat.operation import (
    STEPS,
    Operation,
    StagingUnclearError,
    not_idle,
    read_current,
    staging_unclear,
    status_of,
    superseded,
)
from airflow_provider_imports.http.call import UnreadableAnswerError
from airflow_provider_imports.intent import Intent
from airflow_provider_imports.models import Counts, ImportRun, ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parents[1] / "samples" / "rocketchat"
HOST = "https://chat.example.com"
API = f"{HOST}/api/v1"
NEW, ADD, RUN, CLEAR = (f"{API}/import.{name}" for name in ("new", "addUsers", "run", "clear"))
STATUS, LATEST, ME = f"{API}/import.status", f"{API}/getLatestImportOperations", f"{API}/me"
USER_ID, TOKEN = "rbAXPnMktTFbNpwtJ", "s3cretToken"
OPERATION_ID, OTHER_ID = "64d6a2d5e1f3c9b0a1b2c3d4", "64d6b7aa0f9e8d7c6b5a4938"
RUN_OF_OURS = ImportRun("rocketchat", {"operation_id": OPERATION_ID})
ANNA = {"emails": ["anna@example.com"], "importIds": ["1"], "username": "anna"}


def sample(name: str, status_code: int = 200) -> dict[str, Any]:
    """A recorded answer, as requests-mock wants it."""
    return {"content": (SAMPLES / f"{name}.json").read_bytes(), "status_code": status_code}


def holding(users: int, state: str = "ready", step: str = "importer_user_selection", **more: Any) -> dict[str, Any]:
    """An answer of ``import.status`` about our operation, with so many users staged."""
    body = json.loads((SAMPLES / "status_ready.json").read_bytes())
    body["state"] = state
    body["operation"] |= {"status": step, "count": {"total": users, "users": users}, **more}
    return {"json": body}


@pytest.fixture
def vendor() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        yield mocker


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the seconds that would have been waited."""
    waited: list[float] = []
    now = time.monotonic
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(time, "monotonic", lambda: now() + sum(waited))
    return waited


@pytest.fixture
def hook(set_connection: Callable[..., str]) -> Iterator[RocketChatHook]:
    fields = {"host": HOST, "login": USER_ID, "password": TOKEN, "extra": {"requests_per_minute": 10_000}}
    set_connection("rocketchat_default", conn_type="rocketchat", **fields)
    hook = RocketChatHook()
    yield hook
    hook.close()


def sent(vendor: requests_mock.Mocker) -> list[str]:
    """What the vendor was asked, in order."""
    return [f"{request.method} {request.path.removeprefix('/api/v1/')}" for request in vendor.request_history]


# Who calls


def test_every_call_carries_the_users_id_and_token(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(CLEAR, **sample("success"))
    hook.clear_import()
    headers = vendor.last_request.headers
    assert (headers["X-User-Id"], headers["X-Auth-Token"]) == (USER_ID, TOKEN)
    assert "Authorization" not in headers


@pytest.mark.parametrize(("missing", "told"), [("login", "no User ID"), ("password", "no Personal access token")])
def test_a_connection_without_id_or_token_sends_nothing(
    vendor: requests_mock.Mocker, set_connection: Callable[..., str], missing: str, told: str
) -> None:
    fields = {"login": USER_ID, "password": TOKEN} | {missing: ""}
    set_connection("half", conn_type="rocketchat", host=HOST, **fields)
    with pytest.raises(ConnectionSettingsError, match=f"{told}; enter it as {missing}"):
        RocketChatHook("half").clear_import()
    assert not vendor.called


def test_the_connection_test_asks_for_the_account_and_for_the_permission(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.get(ME, **sample("me"))
    vendor.get(STATUS, **sample("status_none"))
    assert hook.test_connection() == (True, "Rocket.Chat knows the user importer, who may import (no operation yet).")
    assert sent(vendor) == ["GET me", "GET import.status"]
    vendor.get(STATUS, **sample("forbidden", 403))
    works, message = hook.test_connection()
    assert not works
    assert "run-import" in message


@pytest.mark.parametrize("name", ["unauthorized", "unauthorized_short"])
def test_both_shapes_of_401_say_what_login_and_password_must_be(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str
) -> None:
    vendor.get(STATUS, **sample(name, 401))
    with pytest.raises(VendorAuthError, match=r"You must be logged in.*user's ID, not the name") as raised:
        hook.get_import_status()
    assert raised.value.vendor_message == "You must be logged in to do this."
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("refused_missing_data", "Users are missing required data"),
        ("refused_invalid_roles", "invalid roles"),
        ("refused_invalid_params", r"must have required property 'users' \[invalid-params\]"),
        ("refused_operation_not_found", "Import Operation Not Found"),
    ],
)
def test_a_400_of_every_documented_shape_is_told(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str, said: str
) -> None:
    vendor.post(ADD, **sample(name, 400))
    with pytest.raises(VendorRequestError, match=said):
        hook.add_users([ANNA])
    assert vendor.call_count == 1


def test_a_429_waits_until_the_reset_that_its_header_names(
    vendor: requests_mock.Mocker, hook: RocketChatHook, no_waiting: list[float]
) -> None:
    reset = {"X-RateLimit-Reset": str(round((time.time() + 40) * 1000))}
    vendor.post(CLEAR, [sample("too_many_requests", 429) | {"headers": reset}, sample("success")])
    hook.clear_import()
    assert no_waiting[0] == pytest.approx(40, abs=2)
    assert vendor.call_count == 2


def test_a_429_without_headers_waits_as_its_text_says(
    vendor: requests_mock.Mocker, hook: RocketChatHook, no_waiting: list[float]
) -> None:
    vendor.post(CLEAR, [sample("too_many_requests", 429), sample("success")])
    hook.clear_import()
    assert no_waiting[0] == 23


def test_a_limit_that_does_not_end_is_a_rate_limit_error(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.get(STATUS, **sample("too_many_requests", 429))
    with pytest.raises(VendorRateLimitError) as raised:
        hook.get_import_status()
    assert raised.value.retry_after == 23


def test_ten_calls_a_minute_are_counted_for_each_route(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.get(STATUS, **sample("status_none"))
    vendor.get(ME, **sample("me"))
    hook.test_connection()
    client = hook.client
    assert hook._rate_limit(calls.STATUS, client.settings) is not hook._rate_limit(calls.ME, client.settings)
    assert hook.requests_per_minute == 10


# Reading a status


def counts(created: int, not_created: int) -> Counts:
    return Counts(inserted=created, failed=not_created, total=120)


@pytest.mark.parametrize(
    ("name", "state", "step", "progress", "counts"),
    [
        ("status_new", ImportState.ACCEPTED, "importer_new", None, Counts()),
        ("status_ready", ImportState.ACCEPTED, "importer_user_selection", None, Counts(total=2)),
        ("status_loading", ImportState.RUNNING, "importer_preparing_users", None, Counts()),
        ("status_importing", ImportState.RUNNING, "importer_importing_users", 41.7, counts(50, 0)),
        ("status_done", ImportState.SUCCEEDED, "importer_done", 100, counts(120, 0)),
        ("status_done_with_errors", ImportState.SUCCEEDED, "importer_done", 100, counts(118, 2)),
        ("status_done_without_counts", ImportState.SUCCEEDED, "importer_done", None, Counts()),
        ("status_import_failed", ImportState.FAILED, "importer_import_failed", None, Counts(total=2)),
        ("status_canceled", ImportState.CANCELED, "importer_import_cancelled", None, Counts(total=2)),
    ],
)  # fmt: skip
def test_each_state_is_read(
    vendor: requests_mock.Mocker,
    hook: RocketChatHook,
    name: str,
    state: ImportState,
    step: str,
    progress: float | None,
    counts: Counts,
) -> None:
    vendor.get(STATUS, **sample(name))
    status = hook.get_status(RUN_OF_OURS)
    assert (status.state, status.vendor_status, status.progress, status.counts) == (
        state,
        step,
        progress,
        counts,
    )
    assert status.started_at == datetime(2023, 8, 11, 20, 8, 37, 655000, UTC)


def test_all_twenty_steps_have_a_state() -> None:
    assert len(STEPS) == 20


@pytest.mark.parametrize("name", ["status_done_but_not_valid", "status_error_after_clear"])
def test_an_operation_that_is_not_valid_is_never_a_success(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str
) -> None:
    vendor.get(STATUS, **sample(name))
    status = hook.get_status(RUN_OF_OURS)
    assert status.state is ImportState.FAILED
    assert "not valid any more" in (status.message or "")


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("status_without_state", "no state of step 'importer_importing_robots' is not documented"),
        ("status_of_undocumented_state", "state 'thinking'"),
        ("status_done_at_another_step", "does not fit step 'importer_finishing'"),
    ],
)
def test_what_is_not_documented_is_taken_as_still_running(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str, doubt: str
) -> None:
    vendor.get(STATUS, **sample(name))
    status = hook.get_status(RUN_OF_OURS)
    assert status.state is ImportState.RUNNING
    assert doubt in (status.message or "")


def test_users_that_exist_count_as_errors_and_the_message_says_so(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.get(STATUS, **sample("status_done_with_errors"))
    assert "2 users were not created" in (hook.get_status(RUN_OF_OURS).message or "")
    assert "exists already" in (hook.get_status(RUN_OF_OURS).message or "")
    vendor.get(STATUS, **sample("status_done"))
    assert hook.get_status(RUN_OF_OURS).message is None


def test_no_operation_is_not_found(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.get(STATUS, **sample("status_none"))
    with pytest.raises(VendorRequestError, match="no import operation") as raised:
        hook.get_status(RUN_OF_OURS)
    assert raised.value.status_code == 404
    assert hook.get_import_status().vendor_status == "none"


@pytest.mark.parametrize("name", ["status_without_id", "success", "me", "unauthorized_short"])
def test_an_answer_that_is_no_status_is_an_outage(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str
) -> None:
    vendor.get(STATUS, **sample(name))
    with pytest.raises(VendorUnavailableError):
        hook.get_status(RUN_OF_OURS)


@pytest.mark.parametrize("wrong", [{"count": "many"}, {"count": {"users": True, "error": -1}}, {"ts": 7, "user": []}])
def test_counts_and_times_of_a_wrong_type_are_not_reported(wrong: dict[str, Any]) -> None:
    body = json.loads((SAMPLES / "status_ready.json").read_bytes())
    operation = read_current({**body, "operation": body["operation"] | wrong})
    assert operation is not None
    if "count" in wrong:
        assert (operation.users, operation.errors) == (None, None)
        assert status_of(operation).counts == Counts()
    else:
        assert (operation.made_at, operation.user) == (None, None)


@pytest.mark.parametrize("wrong", [{"valid": "perhaps"}, {"valid": None}, {"status": 7}, {"_id": ""}])
def test_an_operation_without_its_essentials_is_unreadable(wrong: dict[str, Any]) -> None:
    body = json.loads((SAMPLES / "status_done.json").read_bytes())
    with pytest.raises(UnreadableAnswerError):
        read_current({**body, "operation": body["operation"] | wrong})


# Another operation in the place of ours


def test_another_operation_means_that_ours_was_replaced(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **sample("latest_operations_with_ours_cut_off"))
    with pytest.raises(ImportSupersededError, match=f"{OPERATION_ID} was replaced .*{OTHER_ID}"):
        hook.get_status(RUN_OF_OURS)


def test_one_that_had_ended_before_it_was_replaced_is_judged_by_its_counts(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **sample("latest_operations_with_ours_done"))
    status = hook.get_status(RUN_OF_OURS)
    assert status.state is ImportState.SUCCEEDED
    assert status.counts == Counts(inserted=118, failed=2, total=120)
    assert "after it had ended" in (status.message or "")


@pytest.mark.parametrize("answer", [sample("forbidden", 403), {"json": [], "status_code": 200}, {"status_code": 404}])
def test_without_a_look_at_the_latest_operations_a_replaced_one_stays_replaced(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **answer)
    with pytest.raises(ImportSupersededError):
        hook.get_status(RUN_OF_OURS)


def test_the_latest_operations_are_read_when_they_come_wrapped(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    latest = json.loads((SAMPLES / "latest_operations_with_ours_done.json").read_bytes())
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, json={"operations": latest, "success": True})
    assert hook.get_status(RUN_OF_OURS).counts == Counts(inserted=118, failed=2, total=120)


@pytest.mark.parametrize("answer", [{"json": {"success": True}}, {"text": "<html>"}, {"json": 7}])
def test_latest_operations_that_make_no_sense_are_no_outage(
    vendor: requests_mock.Mocker, hook: RocketChatHook, caplog: pytest.LogCaptureFixture, answer: dict[str, Any]
) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **answer)
    with pytest.raises(ImportSupersededError):
        hook.get_status(RUN_OF_OURS)
    assert vendor.call_count == 2
    assert "The latest operations can't be read" in caplog.text


@pytest.mark.parametrize("answer", [sample("forbidden", 403), {"json": []}, {"text": "<html>"}])
def test_where_the_latest_operations_are_not_shown_nobody_knows_whether_a_replaced_start_ran(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **answer)
    found = hook.run_flow(hook.adopt_flow(Intent(datetime.now(UTC), {}, None, RUN_OF_OURS)))
    assert (found.run, found.would_show) == (None, False)


# Pending avatars and files


AVATARS_ID = "64d6c0ffee0000000000a0a0"


def fetching(importer: str, **changes: Any) -> dict[str, Any]:
    """An answer of ``import.status`` about an operation that fetches."""
    body = json.loads((SAMPLES / "status_fetching_avatars.json").read_bytes())
    made = datetime.now(UTC).isoformat()
    body["operation"] |= {"importerKey": importer, "ts": made, "_updatedAt": made, **changes}
    return {"json": body}


FETCH = pytest.mark.parametrize(
    ("method", "url", "importer"),
    [
        ("download_pending_avatars", f"{HOST}/api/v1/downloadPendingAvatars", "pending-avatars"),
        ("download_pending_files", f"{HOST}/api/v1/downloadPendingFiles", "pending-files"),
    ],
)


@FETCH
def test_fetching_gives_the_operation_that_it_made(
    vendor: requests_mock.Mocker, hook: RocketChatHook, method: str, url: str, importer: str
) -> None:
    vendor.get(STATUS, [sample("status_done"), fetching(importer)])
    vendor.post(url, **sample("pending"))
    run = getattr(hook, method)()
    assert run.key == {"operation_id": AVATARS_ID}
    assert run.started_at is not None
    assert [request.method for request in vendor.request_history] == ["GET", "POST", "GET"]
    assert vendor.request_history[1].body is None
    status = hook.get_status(run)
    assert (status.state, status.vendor_status) == (ImportState.RUNNING, "importer_importing_files")


@FETCH
def test_fetching_whose_answer_is_lost_is_found_by_its_operation_and_not_repeated(
    vendor: requests_mock.Mocker, hook: RocketChatHook, method: str, url: str, importer: str
) -> None:
    vendor.get(STATUS, [sample("status_done"), fetching(importer)])
    vendor.post(url, exc=requests.exceptions.ReadTimeout)
    assert getattr(hook, method)().key == {"operation_id": AVATARS_ID}
    assert [request.method for request in vendor.request_history].count("POST") == 1


@FETCH
@pytest.mark.parametrize("seen", [sample("status_done"), {"status_code": 503}], ids=["not there yet", "not to be seen"])
def test_fetching_whose_operation_can_not_be_seen_is_unknown_and_not_repeated(
    vendor: requests_mock.Mocker,
    hook: RocketChatHook,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    url: str,
    importer: str,
    seen: dict[str, Any],
) -> None:
    monkeypatch.setattr("airflow_provider_imports.hooks.rocketchat.calls.LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(hook, "run_flow", partial(hook.run_flow, patience=0))
    vendor.get(STATUS, [sample("status_done"), seen])
    vendor.post(url, exc=requests.exceptions.ReadTimeout)
    with pytest.raises(UnknownOutcomeError):
        getattr(hook, method)()
    assert [request.method for request in vendor.request_history].count("POST") == 1


@FETCH
@pytest.mark.parametrize(
    "changes", [{"importerKey": "api"}, {"user": "somebody"}, {"ts": "2023-08-11T20:08:37.655Z"}, {"_id": OPERATION_ID}]
)
def test_an_operation_that_is_not_the_one_that_fetches_is_not_taken_for_it(
    vendor: requests_mock.Mocker, hook: RocketChatHook, method: str, url: str, importer: str, changes: dict[str, Any]
) -> None:
    vendor.get(STATUS, [sample("status_done"), fetching(importer, **changes)])
    vendor.post(url, **sample("pending"))
    with pytest.raises(ImportSupersededError, match="the workspace has another operation already"):
        getattr(hook, method)()


def test_the_operation_that_was_there_before_is_asked_for_only_if_it_is_not_known(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.get(STATUS, **fetching("pending-avatars"))
    vendor.post(f"{HOST}/api/v1/downloadPendingAvatars", **sample("pending"))
    hook.download_pending_avatars(before=OPERATION_ID)
    assert [request.method for request in vendor.request_history] == ["POST", "GET"]


def test_a_running_operation_that_takes_no_users_is_busy(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(ADD, **sample("refused_operation_runs", 400))
    with pytest.raises(ImportBusyError, match="a later retry is safe") as caught:
        hook.add_users([ANNA])
    assert not isinstance(caught.value, AirflowFailException)


def test_staging_in_an_operation_that_runs_says_what_became_of_ours(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(ADD, **sample("refused_operation_runs", 400))
    vendor.get(STATUS, **sample("status_of_another_operation"))
    with pytest.raises(ImportSupersededError):
        hook.stage_users(RUN_OF_OURS, [ANNA], before=0)


# Making an operation


#: The answer to ``import.new``, with the time at which it was recorded.
MADE: dict[str, Any] = sample("new_import") | {"headers": {"Date": "Fri, 11 Aug 2023 20:08:38 GMT"}}


def test_a_new_operation_is_made_without_a_body(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(NEW, **MADE)
    run = hook.new_import()
    assert run.key == {"operation_id": OPERATION_ID}
    assert run.url == f"{HOST}/admin/import"
    assert run.started_at is not None
    assert vendor.last_request.body is None


def just_made(**more: Any) -> dict[str, Any]:
    made = {"ts": datetime.now(UTC).isoformat(), "user": USER_ID}
    return holding(0, "new", "importer_new", **(made | more))


def test_a_lost_answer_is_found_again_in_the_status(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(NEW, **sample("internal_error", 500))
    vendor.get(STATUS, **just_made())
    assert hook.new_import(before=OTHER_ID).key == {"operation_id": OPERATION_ID}
    assert sent(vendor) == ["POST import.new", "GET import.status"]


@pytest.mark.parametrize(
    "seen",
    [
        just_made(user="somebody", ts="2126-01-01T00:00:00Z"),
        just_made(ts="2023-08-11T20:08:37.655Z"),
        holding(2),
        sample("status_none"),
    ],
    ids=["of somebody else", "an old one", "with users", "none"],
)
def test_an_operation_that_is_not_the_new_one_is_not_taken_for_it(
    vendor: requests_mock.Mocker, hook: RocketChatHook, seen: dict[str, Any]
) -> None:
    vendor.post(NEW, [sample("internal_error", 500), MADE])
    vendor.get(STATUS, **seen)
    hook.new_import(before=OTHER_ID)
    assert sent(vendor).count("POST import.new") == 2


def test_the_operation_that_was_there_before_is_not_taken_for_the_new_one(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(NEW, **sample("internal_error", 500))
    vendor.get(STATUS, **just_made())
    with pytest.raises(VendorUnavailableError, match="a retry is safe"):
        hook.new_import(before=OPERATION_ID)


@pytest.mark.parametrize(
    ("date", "before"),
    [("Fri, 11 Aug 2023 20:08:38 GMT", OPERATION_ID), ("Fri, 11 Aug 2023 20:28:38 GMT", None)],
    ids=["there before", "made long ago"],
)
def test_an_operation_that_was_there_before_is_not_taken_from_the_answer(
    vendor: requests_mock.Mocker, hook: RocketChatHook, date: str, before: str | None
) -> None:
    vendor.post(NEW, **MADE | {"headers": {"Date": date}})
    vendor.get(STATUS, **sample("status_none"))
    with pytest.raises(VendorUnavailableError, match=r"shows an operation that was there before.*a retry is safe"):
        hook.new_import(before)


# Staging


def test_users_are_sent_as_the_validator_wants_them(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(ADD, **sample("success"))
    assert hook.add_users([{**ANNA, "importIds": [1, "x"], "roles": [], "bio": None, "deleted": False}]) == 1
    assert vendor.last_request.json() == {"users": [{**ANNA, "importIds": ["1", "x"], "deleted": False}]}
    assert vendor.last_request.headers["Content-Type"] == "application/json"


def test_one_bad_user_keeps_all_from_being_sent(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    with pytest.raises(InvalidInputError, match="user 2 has no emails"):
        hook.add_users([ANNA, {"importIds": ["2"]}])
    assert not vendor.called


def test_a_confirmed_batch_needs_no_look(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(ADD, **sample("success"))
    assert hook.stage_users(RUN_OF_OURS, [ANNA], before=7) == 8
    assert sent(vendor) == ["POST import.addUsers"]


UNCLEAR = pytest.mark.parametrize(
    "answer",
    [
        sample("internal_error", 500),
        {"exc": requests.ReadTimeout},
        {"exc": requests.ConnectionError},
        {"content": b'{"succ'},
        {"content": b""},
        {"json": {"success": "perhaps"}},
        {"content": b"<html>Bad gateway</html>", "status_code": 502},
    ],
    ids=["500", "time-out", "reset", "cut off", "empty", "wrong types", "gateway"],
)


@UNCLEAR
def test_a_batch_that_arrived_is_not_sent_again(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.post(ADD, **answer)
    vendor.get(STATUS, **holding(3))
    assert hook.stage_users(RUN_OF_OURS, [ANNA], before=2) == 3
    assert sent(vendor) == ["POST import.addUsers", "GET import.status"]


@UNCLEAR
def test_a_batch_that_did_not_arrive_is_sent_again(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.post(ADD, [answer, sample("success")])
    vendor.get(STATUS, **holding(2))
    assert hook.stage_users(RUN_OF_OURS, [ANNA], before=2) == 3
    assert sent(vendor) == ["POST import.addUsers", *["GET import.status"] * 2, "POST import.addUsers"]


def test_a_batch_that_arrives_late_is_not_sent_again(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(ADD, **sample("internal_error", 500))
    vendor.get(STATUS, [holding(2), holding(3)])
    assert hook.stage_users(RUN_OF_OURS, [ANNA], before=2) == 3
    assert sent(vendor).count("POST import.addUsers") == 1


@pytest.mark.parametrize("seen", [holding(1), holding(4), holding(2, count={})])
def test_a_count_that_fits_neither_is_unclear(
    vendor: requests_mock.Mocker, hook: RocketChatHook, seen: dict[str, Any]
) -> None:
    vendor.post(ADD, **sample("internal_error", 500))
    vendor.get(STATUS, **seen)
    with pytest.raises(StagingUnclearError, match="Nothing was started"):
        hook.stage_users(RUN_OF_OURS, [ANNA, ANNA], before=0)
    assert sent(vendor).count("POST import.addUsers") == 1


def test_a_refused_batch_of_a_replaced_operation_says_who_replaced_it(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(ADD, **sample("refused_operation_not_initialized", 400))
    vendor.get(STATUS, **sample("status_of_another_operation"))
    with pytest.raises(ImportSupersededError, match=OTHER_ID):
        hook.stage_users(RUN_OF_OURS, [ANNA], before=0)


def test_a_refused_batch_of_a_cleared_operation_may_be_retried(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(ADD, **sample("refused_operation_not_initialized", 400))
    vendor.get(STATUS, **sample("status_error_after_clear"))
    with pytest.raises(VendorUnavailableError, match="takes no users any more"):
        hook.stage_users(RUN_OF_OURS, [ANNA], before=0)


def test_a_batch_that_is_refused_for_itself_keeps_its_reason(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(ADD, **sample("refused_invalid_roles", 400))
    vendor.get(STATUS, **holding(0))
    with pytest.raises(VendorRequestError, match="invalid roles"):
        hook.stage_users(RUN_OF_OURS, [ANNA], before=0)


# Running


@UNCLEAR
def test_a_run_that_was_taken_on_is_not_sent_again(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.post(RUN, **answer)
    vendor.get(STATUS, **sample("status_importing"))
    hook.run_import(RUN_OF_OURS)
    assert sent(vendor) == ["POST import.run", "GET import.status"]


def test_a_run_that_was_not_taken_on_is_sent_again(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(RUN, [sample("internal_error", 500), sample("success")])
    vendor.get(STATUS, **holding(2))
    hook.run_import(RUN_OF_OURS)
    assert sent(vendor) == ["POST import.run", *["GET import.status"] * 2, "POST import.run"]


@pytest.mark.parametrize("name", ["status_importing", "status_done"])
def test_a_repeat_that_finds_our_operation_running_is_fine(
    vendor: requests_mock.Mocker, hook: RocketChatHook, name: str
) -> None:
    vendor.post(RUN, [sample("internal_error", 500), sample("refused_invalid_operation_status", 400)])
    vendor.get(STATUS, [holding(2), holding(2), sample(name)])
    hook.run_import(RUN_OF_OURS)
    assert sent(vendor).count("POST import.run") == 2


def test_a_run_refused_because_somebody_elses_operation_is_there_is_superseded(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.post(RUN, **sample("refused_invalid_operation_status", 400))
    vendor.get(STATUS, **sample("status_of_another_operation"))
    with pytest.raises(ImportSupersededError):
        hook.run_import(RUN_OF_OURS)


def test_a_run_whose_fate_cannot_be_read_stays_unknown(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(RUN, **sample("internal_error", 500))
    vendor.get(STATUS, **sample("internal_error", 500))
    with pytest.raises(UnknownOutcomeError):
        hook.run_import(RUN_OF_OURS)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            lambda: staging_unclear(RUN_OF_OURS, None, 1_000, 2_000),
            "holds an unknown number of users where there should be 1,000 or 2,000. Nothing was started.",
        ),
        (
            lambda: staging_unclear(RUN_OF_OURS, 1_500, 1_000, 2_000),
            "holds 1,500 users where there should be 1,000 or 2,000. Nothing was started.",
        ),
        (
            lambda: not_idle(Operation(OPERATION_ID, "done", "importer_done", valid=True)),
            "(done) of user unknown takes no users any more: it was cleared or started, or the server was restarted. "
            "A retry starts with a new one.",
        ),
        (
            lambda: superseded(RUN_OF_OURS, None),
            "was replaced at Rocket.Chat by none at all. What it had imported until then stays; the other one is left "
            "alone. The user's permission 'view-import-operations' would tell how far it came.",
        ),
    ],
)
def test_an_operation_that_is_not_as_we_left_it_is_told_with_what_follows(
    made: Callable[[], VendorImportError], told: str
) -> None:
    error = made()
    assert str(error).partition("peration ")[2] == f"{OPERATION_ID} {told}"
    assert error.vendor == "rocketchat"


# The workspace, and what became of an unclear start


def slot_seen(vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any], **slot: str) -> Any:
    vendor.get(STATUS, **answer)
    return hook.run_flow(hook.slot_flow(slot))


@pytest.mark.parametrize(
    ("answer", "busy"),
    [
        (sample("status_none"), False),
        (sample("status_done"), False),
        (sample("status_import_failed"), False),
        (sample("status_error_after_clear"), False),
        (sample("status_done_but_not_valid"), False),
        (sample("status_new"), False),  # made long ago, and nobody has staged users in it
        (sample("status_ready"), True),
        (sample("status_loading"), True),
        (sample("status_importing"), True),
        (sample("status_of_undocumented_state"), True),
        (sample("status_without_state"), True),
    ],
)
def test_who_is_in_the_way(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any], busy: bool
) -> None:
    seen = slot_seen(vendor, hook, answer)
    assert seen.busy is busy
    if busy:
        assert OPERATION_ID in seen.described


def test_an_empty_operation_is_in_the_way_as_long_as_it_is_fresh(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    assert slot_seen(vendor, hook, just_made()).busy
    later = {"Date": "Fri, 11 Aug 2023 20:09:07 GMT"}  # half a minute after it was made, by Rocket.Chat's own clock
    assert slot_seen(vendor, hook, sample("status_new") | {"headers": later}).busy
    later = {"Date": "Fri, 11 Aug 2023 20:19:07 GMT"}
    assert not slot_seen(vendor, hook, sample("status_new") | {"headers": later}).busy


def test_what_we_staged_ourselves_is_not_in_the_way(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    assert not slot_seen(vendor, hook, sample("status_ready"), ours=OPERATION_ID).busy
    assert slot_seen(vendor, hook, sample("status_ready"), ours=OTHER_ID).busy
    assert slot_seen(vendor, hook, sample("status_importing"), ours=OPERATION_ID).busy


def test_an_empty_operation_that_an_earlier_try_left_is_not_in_the_way(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    since = datetime.now(UTC).isoformat()
    assert not slot_seen(vendor, hook, just_made(), since=since, user=USER_ID).busy
    assert slot_seen(vendor, hook, just_made(user="somebody"), since=since, user=USER_ID).busy


@pytest.mark.parametrize(
    ("answer", "runs"),
    [
        (sample("status_none"), False),
        (sample("status_new"), False),
        (sample("status_ready"), False),
        (sample("status_importing"), True),
        (sample("status_done"), True),
        (sample("status_without_state"), True),
        (sample("status_error_after_clear"), False),
        (sample("status_done_but_not_valid"), False),
    ],
)
def test_whether_an_unclear_start_took_place_shows_in_the_status(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any], runs: bool
) -> None:
    vendor.get(STATUS, **answer)
    vendor.get(LATEST, json=[])
    found = hook.run_flow(hook.adopt_flow(Intent(datetime.now(UTC), {}, None, RUN_OF_OURS)))
    assert (found.run == RUN_OF_OURS) is runs
    assert found.would_show


def test_one_that_ended_before_it_was_replaced_did_take_place(
    vendor: requests_mock.Mocker, hook: RocketChatHook
) -> None:
    vendor.get(STATUS, **sample("status_of_another_operation"))
    vendor.get(LATEST, **sample("latest_operations_with_ours_done"))
    intent = Intent(datetime.now(UTC), {}, None, RUN_OF_OURS)
    assert hook.run_flow(hook.adopt_flow(intent)).run == RUN_OF_OURS


def test_without_an_operation_nothing_of_ours_can_run(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    found = hook.run_flow(hook.adopt_flow(Intent(datetime.now(UTC), {}, None, None)))
    assert (found.run, found.would_show) == (None, True)
    assert not vendor.called


# Canceling


def test_only_our_own_unfinished_operation_is_cleared(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.post(CLEAR, **sample("success"))
    for name in ("status_of_another_operation", "status_none", "status_done", "status_error_after_clear"):
        vendor.get(STATUS, **sample(name))
        assert "was cleared;" not in hook.cancel(RUN_OF_OURS)
    assert "POST import.clear" not in sent(vendor)
    for name in ("status_new", "status_ready", "status_importing"):
        vendor.get(STATUS, **sample(name))
        assert "was cleared; users that were imported until then stay" in hook.cancel(RUN_OF_OURS)
    assert sent(vendor).count("POST import.clear") == 3


@pytest.mark.parametrize("answer", [{"content": b"{"}, {"exc": requests.ReadTimeout}, sample("internal_error", 500)])
def test_a_clear_whose_answer_is_lost_is_confirmed_by_the_status(
    vendor: requests_mock.Mocker, hook: RocketChatHook, answer: dict[str, Any]
) -> None:
    vendor.post(CLEAR, **answer)
    vendor.get(STATUS, [sample("status_importing"), sample("status_error_after_clear")])
    assert "was cleared" in hook.cancel(RUN_OF_OURS)
    vendor.get(STATUS, **sample("status_importing"))
    with pytest.raises(VendorImportError):
        hook.cancel(RUN_OF_OURS)


def test_the_current_operation_is_given_as_it_is(vendor: requests_mock.Mocker, hook: RocketChatHook) -> None:
    vendor.get(f"{API}/getCurrentImportOperation", **sample("current_operation"))
    assert hook.get_current_operation() == json.loads(sample("current_operation")["content"])["operation"]
    vendor.get(f"{API}/getCurrentImportOperation", **sample("success"))
    assert hook.get_current_operation() is None

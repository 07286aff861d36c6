"""Bloomreach's and Blueshift's tasks against the sandbox: the vendors that accept a start and say no more."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, Asset

from airflow_provider_imports.exceptions import (
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks import blueshift as blueshift_hook
from airflow_provider_imports.models import Counts
from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftLink, BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.sandbox import bloomreach, blueshift
from tests.tries import Killed, killed_at

MakeTask = Callable[[], Any]
NO_TASK = "00000000-aaaa-4bbb-8ccc-dddddddddddd"
LIMITED = {"login": bloomreach.LIMITED_API_KEY_ID, "password": bloomreach.LIMITED_API_SECRET}


@pytest.fixture(autouse=True)
def _connections(sandbox_connections: Any) -> None:
    """Both default connections lead to the sandbox."""


def start_ui(**parameters: Any) -> Any:
    given = {"import_id": bloomreach.UI_IMPORT_ID, **parameters}
    return BloomreachStartImportOperator(task_id="start", **given)


def run_api(**parameters: Any) -> Any:
    return start_ui(**{"import_id": bloomreach.API_IMPORT_ID, "managed_by_api": True, **parameters})


def trigger(**parameters: Any) -> Any:
    return BlueshiftTriggerCustomerImportOperator(task_id="start", **{"uuid": blueshift.LAUNCHED_UUID, **parameters})


CASES = {
    "bloomreach start": (start_ui, "bloomreach", {"import_id": bloomreach.UI_IMPORT_ID}),
    "bloomreach run": (run_api, "bloomreach", {"import_id": bloomreach.API_IMPORT_ID}),
    "blueshift": (trigger, "blueshift", {"uuid": blueshift.LAUNCHED_UUID}),
}
EVERY_START = pytest.mark.parametrize(("make", "vendor", "key"), CASES.values(), ids=CASES)


def acted(sandbox: Any) -> int:
    """How many starts a vendor accepted."""
    return len([entry for entry in sandbox.journal if entry.acted])


# What a start brings


@EVERY_START
def test_an_accepted_start_is_told_as_accepted_and_no_more(
    sandbox: Any, make_context: Any, logged: Callable[[], str], make: Any, vendor: str, key: dict[str, str]
) -> None:
    context = make_context()
    manifest = make().execute(context)
    assert acted(sandbox) == 1
    assert manifest == {
        "vendor": vendor,
        "state": "accepted",
        "vendor_status": "accepted",
        "run": key,
        "sendings": 1 if vendor == "blueshift" else None,
        "counts": Counts().to_json(),
        "rejected": None,
        "auto_created": None,
        "written": {},
        "sent": None,
        "unaccounted": None,
        "message": manifest["message"],
        "errors": [],
        "error": None,
        "started_at": manifest["started_at"],
        "finished_at": None,
        "url": None,
    }
    assert "publishes no status of a run" in manifest["message"]
    assert "shows only in the import" in manifest["message"]
    assert manifest["started_at"]
    assert logged().count(manifest["message"]) == 1
    assert context["ti"].xcoms["import_run"] == key


@EVERY_START
def test_an_asset_event_says_accepted(make_context: Any, make: Any, vendor: str, key: dict[str, str]) -> None:
    context, asset = make_context(), Asset("customers")
    make(outlets=[asset]).execute(context)
    told = context["outlet_events"][asset].extra
    assert (told["vendor"], told["run"], told["state"], told["rejected"]) == (vendor, key, "accepted", None)


def test_path_and_connection_test_reach_bloomreach_only_if_given(sandbox: Any, make_context: Any) -> None:
    start_ui().execute(make_context())
    start_ui(path="in/customers.csv", test_connection=False).execute(make_context(max_tries=2))
    run_api(path="https://files.example/c.csv").execute(make_context(max_tries=3))
    runs = sandbox.vendors["bloomreach"].runs
    assert [(run.path, run.test_connection) for run in runs] == [
        (None, True),
        ("in/customers.csv", False),
        ("https://files.example/c.csv", True),
    ]
    assert sandbox.entries("bloomreach")[0].bytes == 0


def test_a_workspace_is_started_with_its_own_key(
    sandbox: Any, make_context: Any, set_connection: Callable[..., str]
) -> None:
    connection = {
        **sandbox.connection("bloomreach"),
        "login": bloomreach.WORKSPACE_API_KEY_ID,
        "password": bloomreach.WORKSPACE_API_SECRET,
        "extra": {"workspace_id": bloomreach.WORKSPACE_ID},
    }
    start_ui(conn_id=set_connection("of_workspace", **connection)).execute(make_context())
    (entry,) = sandbox.journal
    assert entry.path == f"/data/v2/workspaces/{bloomreach.WORKSPACE_ID}/imports/{bloomreach.UI_IMPORT_ID}/start"
    assert entry.acted


# What is refused


@pytest.mark.parametrize(
    ("task", "kind", "told"),
    [
        (lambda: start_ui(import_id="nowhere"), VendorRequestError, "Check import_id"),
        (lambda: start_ui(import_id=bloomreach.API_IMPORT_ID), VendorRequestError, "Imports Management API"),
        (lambda: run_api(import_id=bloomreach.UI_IMPORT_ID), VendorRequestError, "managed_by_api=False"),
        (lambda: start_ui(import_id=bloomreach.UPLOAD_IMPORT_ID), VendorRequestError, "cannot be triggered"),
        (lambda: start_ui(import_id=bloomreach.REFUSED_IMPORT_ID), VendorRequestError, '"success": false'),
        (lambda: start_ui(import_id=bloomreach.UNREACHABLE_IMPORT_ID), VendorRequestError, "import's own source"),
        (lambda: start_ui(project_token="another"), VendorAuthError, "must be of this very project"),
        (lambda: trigger(uuid=blueshift.DRAFT_UUID), VendorRequestError, "not launched"),
        (lambda: trigger(uuid=blueshift.NOT_S3_UUID), VendorRequestError, "not Amazon S3"),
        (lambda: trigger(uuid=NO_TASK), VendorRequestError, "no customer import task with this uuid"),
    ],
)
def test_a_refusal_starts_nothing_is_not_retried_and_leaves_the_next_try_free(
    sandbox: Any, make_context: Any, task_state_store: Any, task: MakeTask, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told) as caught:
        task().execute(make_context())
    assert isinstance(caught.value, AirflowFailException)
    assert acted(sandbox) == 0
    assert task_state_store.written == {}


def test_a_source_whose_test_is_skipped_is_accepted(sandbox: Any, make_context: Any) -> None:
    task = start_ui(import_id=bloomreach.UNREACHABLE_IMPORT_ID, test_connection=False)
    assert task.execute(make_context())["state"] == "accepted"


def test_a_key_without_the_permission_is_told_which(
    sandbox: Any, make_context: Any, set_connection: Callable[..., str]
) -> None:
    conn_id = set_connection("limited", **{**sandbox.connection("bloomreach"), **LIMITED})
    with pytest.raises(VendorAuthError, match="Imports > Allow trigger imports"):
        start_ui(conn_id=conn_id).execute(make_context())
    assert acted(sandbox) == 0


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (lambda: start_ui(import_id=" "), "import_id must be a text"),
        (lambda: run_api(workspace_id="w"), "give project_token, not workspace_id"),
        (lambda: start_ui(project_token="p", workspace_id="w"), "not both"),
        (lambda: start_ui(test_connection="no"), "test_connection must be True, False or None"),
        (lambda: trigger(uuid="my task"), "uuid must be a UUID"),
        (lambda: trigger(on_unknown_outcome="retry"), "on_unknown_outcome must be one of"),
    ],
)
def test_what_makes_no_sense_reaches_nobody(
    sandbox: Any, make_context: Any, task_state_store: Any, task: MakeTask, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        task().execute(make_context())
    assert not sandbox.journal
    assert task_state_store.written == {}


# Never twice


@EVERY_START
def test_a_second_try_after_the_start_reports_it_and_starts_nothing(
    sandbox: Any, make_context: Any, task_state_store: Any, make: Any, vendor: str, key: dict[str, str]
) -> None:
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        make().execute(make_context())
    manifest = make().execute(make_context(try_number=2))
    assert (manifest["state"], manifest["run"]) == ("accepted", key)
    assert "publishes no status of a run" in manifest["message"]
    assert acted(sandbox) == 1


@EVERY_START
def test_a_second_try_whose_first_one_died_in_the_start_asks_a_person(
    sandbox: Any, make_context: Any, task_state_store: Any, make: Any, vendor: str, key: dict[str, str]
) -> None:
    with killed_at(task_state_store, "started", "before"), pytest.raises(Killed):
        make().execute(make_context())
    with pytest.raises(UnknownOutcomeError, match="clear the task, and it starts one"):
        make().execute(make_context(try_number=2))
    assert acted(sandbox) == 1


@EVERY_START
def test_a_cleared_task_starts_the_import_again(
    sandbox: Any, make_context: Any, make: Any, vendor: str, key: dict[str, str]
) -> None:
    sandbox.change_settings(run_seconds=0)
    make().execute(make_context(max_tries=1))
    make().execute(make_context(max_tries=2))
    assert acted(sandbox) == 2


@pytest.mark.parametrize("fault", ["timeout", "reset", "truncated_json", "empty"])
@EVERY_START
def test_an_answer_that_got_lost_is_not_asked_for_by_starting_again(
    sandbox: Any,
    make_context: Any,
    set_connection: Callable[..., str],
    fault: str,
    make: Any,
    vendor: str,
    key: dict[str, str],
) -> None:
    connection = sandbox.connection(vendor)
    connection["extra"] = {**connection["extra"], "timeout": 0.3}
    sandbox.add_fault(fault, vendor=vendor, when="after")
    with pytest.raises(UnknownOutcomeError, match="unknown whether the vendor acted"):
        make(conn_id=set_connection("impatient", **connection)).execute(make_context())
    assert acted(sandbox) == 1


@EVERY_START
def test_a_vendor_that_cannot_be_reached_leaves_the_next_try_free(
    sandbox: Any, make_context: Any, task_state_store: Any, make: Any, vendor: str, key: dict[str, str]
) -> None:
    sandbox.add_fault("refuse")
    with pytest.raises(VendorUnavailableError, match="a retry is safe"):
        make().execute(make_context())
    assert task_state_store.written == {}
    sandbox.clear_faults()
    assert make().execute(make_context(try_number=2))["state"] == "accepted"
    assert acted(sandbox) == 1


# Blueshift's repeats after a 5xx


def test_a_5xx_that_hid_an_accepted_trigger_is_found_out_by_the_repeat(
    sandbox: Any, make_context: Any, logged: Callable[[], str]
) -> None:
    sandbox.change_settings(run_seconds=60)
    sandbox.add_fault("status", vendor="blueshift", when="after", status=502)
    manifest = trigger().execute(make_context())
    assert [entry.status for entry in sandbox.journal] == [502, 405]
    assert acted(sandbox) == 1
    assert manifest["state"] == "accepted"
    assert "an earlier one was accepted" in manifest["message"]
    assert "an earlier one was accepted" in logged()
    assert manifest["sendings"] == 2


def test_that_remark_is_still_there_in_the_next_try(sandbox: Any, make_context: Any, task_state_store: Any) -> None:
    sandbox.change_settings(run_seconds=60)
    sandbox.add_fault("status", vendor="blueshift", when="after", status=502)
    with killed_at(task_state_store, "started", "after"), pytest.raises(Killed):
        trigger().execute(make_context())
    manifest = trigger().execute(make_context(try_number=2))
    assert "an earlier one was accepted" in manifest["message"]
    assert manifest["sendings"] == 2
    assert acted(sandbox) == 1


def test_a_5xx_before_the_vendor_acted_is_sent_again(sandbox: Any, make_context: Any) -> None:
    sandbox.add_fault("status", vendor="blueshift", when="before", status=503, count=2)
    manifest = trigger().execute(make_context())
    assert [entry.status for entry in sandbox.journal] == [503, 503, 200]
    assert "It may have accepted more than one" in manifest["message"]
    assert manifest["sendings"] == 3


def test_a_task_that_is_being_processed_is_refused_by_name(sandbox: Any, make_context: Any) -> None:
    sandbox.change_settings(run_seconds=60)
    trigger().execute(make_context(max_tries=1))
    with pytest.raises(VendorRequestError, match="being processed already"):
        trigger().execute(make_context(max_tries=2))
    assert acted(sandbox) == 1


def test_bloomreach_is_never_sent_a_start_again_after_a_5xx(sandbox: Any, make_context: Any) -> None:
    sandbox.add_fault("status", vendor="bloomreach", when="before", status=503)
    with pytest.raises(UnknownOutcomeError):
        start_ui().execute(make_context())
    assert len(sandbox.journal) == 1


# The link


@pytest.fixture
def left_in_xcom(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What link look-ups find: XComs by key."""
    xcoms: dict[str, Any] = {}
    monkeypatch.setattr("airflow_provider_imports.links.XCom.get_value", lambda key, ti_key: xcoms.get(key))
    return xcoms


@pytest.fixture
def known_pages(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox as a region whose pages are known."""
    pages = "https://app.blueshift.example/#/import_show/"
    monkeypatch.setitem(blueshift_hook.PAGES, sandbox.connection("blueshift")["host"], pages)
    return pages


def test_the_link_is_there_where_blueshifts_pages_are_known(
    make_context: Any, left_in_xcom: dict[str, Any], known_pages: str
) -> None:
    context, task = make_context(), trigger()
    manifest = task.execute(context)
    (link,) = task.operator_extra_links
    assert (type(link), link.name) == (BlueshiftLink, "Open in Blueshift")
    assert manifest["url"] == f"{known_pages}{blueshift.LAUNCHED_UUID}"
    assert link.get_link(task, ti_key=None) == manifest["url"]
    left_in_xcom.update(context["ti"].xcoms)
    assert link.get_link(SimpleNamespace(), ti_key=None) == manifest["url"]  # Airflow 2 asks with a serialized operator


def test_no_link_rather_than_a_wrong_one(make_context: Any, left_in_xcom: dict[str, Any]) -> None:
    context, task = make_context(), trigger()
    assert task.execute(context)["url"] is None
    left_in_xcom.update(context["ti"].xcoms)
    assert BlueshiftLink().get_link(task, ti_key=None) == ""
    assert BlueshiftLink().get_link(SimpleNamespace(), ti_key=None) == ""


def test_a_task_that_started_nothing_has_no_link_and_looks_none_up(
    make_context: Any, known_pages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = trigger(uuid=blueshift.DRAFT_UUID)
    with pytest.raises(VendorRequestError):
        task.execute(make_context())
    monkeypatch.delattr("airflow_provider_imports.links.XCom.get_value")
    assert BlueshiftLink().get_link(task, ti_key=None) == ""

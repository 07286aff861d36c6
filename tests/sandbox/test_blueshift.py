"""Blueshift's stand-in does what Blueshift's documents say."""

from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import blueshift as vendor

from .conftest import Call, Clock

NOT_SUPPORTED = {"errors": [{"title": "error", "detail": "Error: Action not supported"}]}


def trigger(call: Call, task: str = vendor.LAUNCHED_UUID, **options: Any) -> requests.Response:
    path = "/blueshift/api/v1/customer_attributes/trigger_import"
    return call("POST", path, **{"json": {"uuid": task}, "auth": (vendor.USER_API_KEY, ""), **options})


def test_a_launched_task_is_triggered(call: Call, sandbox: Sandbox) -> None:
    answer = trigger(call)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert len(answer.headers["x-request-id"]) == 36
    (entry,) = sandbox.journal
    assert (entry.acted, entry.run) == (True, vendor.LAUNCHED_UUID)


def test_a_second_trigger_is_405_while_processing_and_a_new_run_later(
    call: Call, clock: Clock, sandbox: Sandbox
) -> None:
    trigger(call)
    again = trigger(call)
    assert (again.status_code, again.json()) == (405, NOT_SUPPORTED)
    assert trigger(call, vendor.SECOND_LAUNCHED_UUID).status_code == 200
    clock.move(10)
    assert trigger(call).status_code == 200
    assert len(sandbox.vendors["blueshift"].runs) == 3


@pytest.mark.parametrize("task", [vendor.DRAFT_UUID, vendor.NOT_S3_UUID])
def test_drafts_and_other_sources_are_405(call: Call, task: str) -> None:
    answer = trigger(call, task)
    assert (answer.status_code, answer.json()) == (405, NOT_SUPPORTED)


def test_an_unknown_task_and_an_unknown_path_are_different_404s(call: Call) -> None:
    task = trigger(call, "00000000-0000-4000-8000-000000000000")
    assert task.status_code == 404
    assert task.json()["errors"] == [{"title": "error", "detail": "Error: Resource not found"}]
    path = call("POST", "/blueshift/api/v1/customers/trigger_import")
    assert (path.status_code, path.json()) == (404, {"status": "404", "error": "Not Found"})
    assert "x-request-id" in path.headers


@pytest.mark.parametrize(
    "options",
    [
        {"auth": ("wrong", "")},
        {"auth": (vendor.EVENT_API_KEY, "")},
        {"auth": ("", vendor.USER_API_KEY)},
        {"auth": None, "headers": {"Authorization": f"Bearer {vendor.USER_API_KEY}"}},
        {"auth": None},
    ],
)
def test_only_the_user_key_as_user_name_is_accepted(call: Call, options: dict[str, Any]) -> None:
    answer = trigger(call, **options)
    assert (answer.status_code, answer.json()) == (401, {"message": "Not authorized"})


@pytest.mark.parametrize(
    "options", [{"json": {}}, {"json": {"uuid": ""}}, {"json": None, "data": "{"}, {"json": None, "data": {"uuid": 1}}]
)
def test_the_uuid_is_required_in_json(call: Call, sandbox: Sandbox, options: dict[str, Any]) -> None:
    assert trigger(call, **options).status_code == 400
    assert not sandbox.vendors["blueshift"].runs


def test_catalogs_show_that_a_key_works(call: Call) -> None:
    path = "/blueshift/api/v1/catalogs"
    assert call("GET", path, auth=(vendor.USER_API_KEY, "")).status_code == 200
    assert call("GET", path).status_code == 401


def test_429_in_the_vendors_shape(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("rate_limit", vendor="blueshift", hints=False)
    answer = trigger(call)
    assert (answer.status_code, answer.json()) == (429, {"message": "Rate limit exceeded"})
    assert "Retry-After" not in answer.headers


def test_a_502_may_hide_an_accepted_trigger(call: Call, sandbox: Sandbox) -> None:
    body = '{"message": "Bad Gateway - Please retry the request."}'
    sandbox.add_fault("status", vendor="blueshift", when="after", status=502, body=body)
    assert trigger(call).json()["message"].startswith("Bad Gateway")
    assert trigger(call).status_code == 405


def search(call: Call, query: str = "?email=Canary@example.com", **options: Any) -> requests.Response:
    return call("GET", f"/blueshift/api/v1/customers{query}", **{"auth": (vendor.USER_API_KEY, ""), **options})


def test_a_customer_is_found_when_the_import_that_brings_it_has_ended(
    call: Call, clock: Clock, sandbox: Sandbox, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text("email,firstname,run\ncanary@example.com,Tweety,today\n")
    sandbox.change_settings(blueshift={"source": str(source)})
    trigger(call)
    assert search(call).json() == {"users": []}
    clock.move(10)
    found = search(call).json()
    assert found["users"] == [found["user"]]
    assert (found["user"]["email"], found["user"]["firstname"]) == ("canary@example.com", "Tweety")
    assert found["user"]["custom_attributes"] == {"run": "today"}


def test_a_search_needs_an_address_and_the_user_key(call: Call, sandbox: Sandbox) -> None:
    assert search(call, "").status_code == 400
    assert search(call, auth=(vendor.EVENT_API_KEY, "")).status_code == 401
    sandbox.change_settings(blueshift={"unknown_customer_is_404": True})
    assert search(call).status_code == 404

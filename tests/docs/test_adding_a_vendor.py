"""The made-up vendor of docs/adding-a-vendor.rst works as it is shown there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_imports.connections import CONNECTION_TYPES
from airflow_provider_imports.exceptions import (
    ImportFailedError,
    ImportTimeoutError,
    UnknownOutcomeError,
    VendorAuthError,
)
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sandbox import Sandbox, app
from airflow_provider_imports.triggers.imports import ImportTrigger
from tests.docs.harbor.connection import HARBOR
from tests.docs.harbor.hook import HarborHook
from tests.docs.harbor.operator import HarborLoadListOperator
from tests.docs.harbor.sandbox import Harbor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Context = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs" / "adding-a-vendor.rst"


@pytest.fixture
def harbor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox with a sixth vendor, and the connection that leads to it."""
    monkeypatch.setitem(CONNECTION_TYPES, "harbor", HARBOR)
    monkeypatch.setattr(app, "VENDORS", (*app.VENDORS, Harbor))
    with Sandbox(port=0, run_seconds=0.2).in_thread() as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_HARBOR_DEFAULT", sandbox.connection_env()["AIRFLOW_CONN_HARBOR_DEFAULT"])
        yield sandbox


def task(name: str = "customers", **parameters: Any) -> HarborLoadListOperator:
    return HarborLoadListOperator(task_id="load", name=name, poll_interval=0.05, **parameters)


def test_a_list_is_loaded_and_waited_for(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    manifest = task().execute(make_context())

    assert manifest["state"] == "succeeded"
    assert manifest["run"] == {"id": "1"}
    assert manifest["counts"]["inserted"] == 100
    assert [entry.operation for entry in harbor.entries("harbor") if entry.acted] == ["load_list"]


async def test_it_can_be_waited_for_in_the_triggerer(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    operator = task(deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(make_context())
    trigger = deferred.value.trigger
    assert isinstance(trigger, ImportTrigger)

    event = await anext(trigger.run())

    manifest = operator.execute_complete(make_context(), event.payload)
    assert manifest["state"] == "succeeded"


def test_a_broken_list_fails_the_task(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    with pytest.raises(ImportFailedError, match=r"Harbor import \(id=1\) failed"):
        task("broken").execute(make_context())


def test_the_deadline_cancels_the_import(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    harbor.change_settings(run_seconds=3600)

    with pytest.raises(ImportTimeoutError, match=r"Harbor canceled the import \(id=1\)"):
        task(timeout=0.2).execute(make_context())

    assert [entry.operation for entry in harbor.entries("harbor") if entry.acted] == ["load_list", "cancel_import"]


def test_a_second_try_goes_on_with_the_import_of_the_first(
    harbor: Sandbox, make_context: Callable[..., Context]
) -> None:
    harbor.add_fault(vendor="harbor", operation="get_import", fault="status", status=401)
    with pytest.raises(VendorAuthError):
        task().execute(make_context())

    manifest = task().execute(make_context(try_number=2))

    assert manifest["run"] == {"id": "1"}
    assert len(harbor.entries("harbor", "load_list")) == 1


def test_the_connection_can_be_tested(harbor: Sandbox, set_connection: Callable[..., str]) -> None:
    set_connection("other_harbor", conn_type="harbor", host=f"{harbor.url}/harbor", password="not-the-key")

    assert HarborHook().test_connection() == (True, "Harbor accepted the API key.")
    accepted, message = HarborHook("other_harbor").test_connection()
    assert not accepted
    assert "The credentials were refused" in message
    assert {entry.operation for entry in harbor.entries("harbor")} == {"list_imports"}


def test_an_unclear_start_is_not_repeated(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    harbor.add_fault(vendor="harbor", operation="load_list", fault="truncated_json")

    with pytest.raises(UnknownOutcomeError, match="Look at Imports > History in Harbor"):
        task().execute(make_context())

    assert len(harbor.entries("harbor", "load_list")) == 1


def test_the_run_survives_json(harbor: Sandbox) -> None:
    run = HarborHook().load_list("customers")

    assert ImportRun.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_the_page_shows_these_files() -> None:
    page = PAGE.read_text()

    for name in ("connection", "hook", "operator", "sandbox"):
        assert f"../tests/docs/harbor/{name}.py" in page
